package dev.halftone.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** With OpenAI's own client for Java. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenAiClientTest {
    private TinyServer tiny;
    private OpenAIClient client;

    @BeforeAll
    void open(@TempDir Path directory) throws IOException {
        tiny = new TinyServer(directory.resolve("model"));
        client = OpenAIOkHttpClient.builder()
                .baseUrl(tiny.at("v1").toString())
                .apiKey("any")
                .maxRetries(0)
                .build();
    }

    @AfterAll
    void close() {
        client.close();
        tiny.close();
    }

    private static CompletionCreateParams.Builder completion() {
        return CompletionCreateParams.builder()
                .model(TinyServer.NAME)
                .prompt("a quick brown fox")
                .maxTokens(20)
                .seed(5);
    }

    private static ChatCompletionCreateParams.Builder chat() {
        return ChatCompletionCreateParams.builder()
                .model(TinyServer.NAME)
                .addSystemMessage("be brief")
                .addUserMessage("hello")
                .maxCompletionTokens(20)
                .putAdditionalBodyProperty("seed", JsonValue.from(5));
    }

    @Test
    void modelsAreListed() {
        assertThat(client.models().list().data())
                .singleElement()
                .satisfies(model -> assertThat(model.id()).isEqualTo(TinyServer.NAME));
        assertThat(client.models().retrieve(TinyServer.NAME).id()).isEqualTo(TinyServer.NAME);
        assertThatThrownBy(() -> client.models().retrieve("other")).isInstanceOf(NotFoundException.class);
    }

    @Test
    void completionsAndTheirStreamsSayTheSame() {
        Completion whole = client.completions().create(completion().build());
        assertThat(whole.choices()).hasSize(1);
        assertThat(whole.usage().orElseThrow().promptTokens()).isEqualTo(17);
        assertThat(whole.usage().orElseThrow().completionTokens()).isBetween(1L, 20L);
        assertThat(whole.choices().getFirst().text()).isNotEmpty();
        try (StreamResponse<Completion> stream = client.completions()
                .createStreaming(completion()
                        .streamOptions(ChatCompletionStreamOptions.builder()
                                .includeUsage(true)
                                .build())
                        .build())) {
            List<Completion> events = stream.stream().toList();
            String text = events.stream()
                    .flatMap(event -> event.choices().stream())
                    .map(choice -> choice.text())
                    .collect(Collectors.joining());
            assertThat(text).isEqualTo(whole.choices().getFirst().text());
            assertThat(events).hasSizeGreaterThan(3);
            assertThat(events.getLast().usage().orElseThrow().completionTokens())
                    .isEqualTo(whole.usage().orElseThrow().completionTokens());
        }
    }

    @Test
    void choicesEchoLogprobsAndStops() {
        Completion several = client.completions()
                .create(completion().n(3).echo(true).logprobs(2).build());
        assertThat(several.choices()).hasSize(3);
        assertThat(several.choices().stream()
                        .map(choice -> choice.text())
                        .distinct()
                        .count())
                .isGreaterThan(1);
        assertThat(several.choices()).allSatisfy(choice -> {
            assertThat(choice.text()).startsWith("a quick brown fox");
            int tokens = choice.logprobs().orElseThrow().tokens().orElseThrow().size();
            assertThat(choice.logprobs().orElseThrow().textOffset().orElseThrow())
                    .hasSize(tokens);
            assertThat(tokens).isGreaterThan(17);
        });
        String text = client.completions()
                .create(completion().build())
                .choices()
                .getFirst()
                .text();
        String stop = text.substring(3, 5);
        Completion stopped = client.completions()
                .create(completion().stopOfStrings(List.of(stop)).build());
        assertThat(stopped.choices().getFirst().text()).isEqualTo(text.substring(0, text.indexOf(stop)));
        assertThat(stopped.choices().getFirst().finishReason().toString()).isEqualTo("stop");
    }

    @Test
    void chatsAndTheirStreamsSayTheSame() {
        ChatCompletion whole = client.chat()
                .completions()
                .create(chat().logprobs(true).topLogprobs(2).build());
        ChatCompletion.Choice choice = whole.choices().getFirst();
        String text = choice.message().content().orElseThrow();
        assertThat(text).isNotEmpty();
        var scored = choice.logprobs().orElseThrow().content().orElseThrow();
        assertThat(scored).hasSize((int) whole.usage().orElseThrow().completionTokens());
        assertThat(scored.getFirst().topLogprobs()).hasSize(2);
        assertThat(scored.getFirst().logprob()).isNegative();
        try (StreamResponse<ChatCompletionChunk> stream =
                client.chat().completions().createStreaming(chat().build())) {
            String streamed = stream.stream()
                    .flatMap(event -> event.choices().stream())
                    .flatMap(part -> part.delta().content().stream())
                    .collect(Collectors.joining());
            assertThat(streamed).isEqualTo(text);
        }
    }

    @Test
    void errorsAreOpenAis() {
        assertThatThrownBy(() -> client.completions()
                        .create(completion().temperature(-1.0).build()))
                .isInstanceOf(BadRequestException.class)
                .hasMessageContaining("HT-931 temperature: is -1.0");
        assertThatThrownBy(() ->
                        client.completions().create(completion().model("gpt-4").build()))
                .isInstanceOf(NotFoundException.class)
                .hasMessageContaining("HT-960");
        assertThatThrownBy(() -> client.completions()
                        .create(completion().maxTokens(TinyServer.CONTEXT).build()))
                .isInstanceOf(BadRequestException.class)
                .satisfies(e -> assertThat(((BadRequestException) e).code()).contains("context_length_exceeded"));
        assertThatThrownBy(() -> client.chat()
                        .completions()
                        .create(chat().addUserMessage("x".repeat(600)).build()))
                .isInstanceOf(BadRequestException.class);
    }
}
