package dev.halftone.runtime.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.format.ModelFile;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatTemplateTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 9, 8, 7);
    private static final List<Map<String, Object>> HELLO = List.of(Map.of("role", "user", "content", "Hello"));

    private static String resource(String name) {
        try (InputStream in = Objects.requireNonNull(ChatTemplateTest.class.getResourceAsStream(name))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static ChatTemplate template(String source) {
        return ChatTemplate.of(
                JSON.createObjectNode()
                        .put("bos_token", "<s>")
                        .put("eos_token", "</s>")
                        .put("chat_template", source)
                        .toString(),
                "model");
    }

    private static String rendered(String source) {
        return template(source).render(HELLO, null, true, Map.of(), NOW);
    }

    static List<JsonNode> cases() {
        List<JsonNode> cases = new ArrayList<>();
        JSON.readTree(resource("cases.json")).path("cases").forEach(cases::add);
        return cases;
    }

    /** {@code tools/fixtures/chat_templates.py} made the expected texts. */
    @ParameterizedTest
    @MethodSource("cases")
    void templatesGiveWhatTransformersGives(JsonNode item) {
        ChatTemplate template = template(resource(item.path("template").stringValue() + ".jinja"));
        List<Map<String, Object>> messages =
                JSON.convertValue(item.path("messages"), new TypeReference<List<Map<String, Object>>>() {});
        List<Object> tools = item.path("tools").isNull()
                ? null
                : JSON.convertValue(item.path("tools"), new TypeReference<List<Object>>() {});
        Map<String, Object> more = JSON.convertValue(item.path("more"), new TypeReference<Map<String, Object>>() {});
        boolean generation = item.path("generation").booleanValue();
        if (item.has("refusal")) {
            assertThatThrownBy(() -> template.render(messages, tools, generation, more, NOW))
                    .hasMessageContaining("HT-935")
                    .hasMessageContaining(item.path("refusal").stringValue());
        } else {
            assertThat(template.render(messages, tools, generation, more, NOW))
                    .isEqualTo(item.path("text").stringValue());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% if true %}",
                "{% nothing %}",
                "{{ 'open }}",
                "{{ 1 + }}",
                "{{ messages[0 }}",
                "{% for x %}{% endfor %}",
                "{# open",
                "{{ 1 ? 2 }}",
                "{{",
                "{% endif %}",
                "{{ [1, 2 }}",
                "{{ nowhere.at_all }}",
                "{{ messages | frobnicated }}",
                "{{ 1 is frobnicated }}",
                "{{ 'a' + 1 }}",
                "{{ unknown() }}",
                "{{ 1 / 0 }}",
                "{% set x.y = 1 %}",
                "{{ 'x' * 100000000000 }}",
                "{{ range(100000000) }}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{{ 'a' < 1 }}",
                "{{ ''.getClass() }}",
                "{{ messages.class.forName('x') }}"
            })
    void whatCannotBeUsedIsOneErrorWithALine(String source) {
        assertThatThrownBy(() -> rendered(source))
                .hasMessageStartingWith("HT-934 model: the chat template cannot be used: line 1: ");
    }

    @Test
    void anEndlessTemplateIsStopped() {
        String nested = "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}";
        assertThatThrownBy(() -> rendered(nested)).hasMessageContaining("does not come to an end");
    }

    @Test
    void deepNestingIsNoStackOverflow() {
        assertThatThrownBy(() -> rendered("{{ " + "(".repeat(20_000) + "1" + ")".repeat(20_000) + " }}"))
                .hasMessageContaining("HT-934");
        assertThatThrownBy(() -> rendered("{% if 1 %}".repeat(20_000))).hasMessageContaining("HT-934");
        assertThatThrownBy(() -> rendered("{{ " + "not ".repeat(20_000) + "1 }}"))
                .hasMessageContaining("HT-934");
        assertThatThrownBy(() -> rendered("{{ " + "-".repeat(20_000) + "1 }}")).hasMessageContaining("HT-934");
    }

    @Test
    void namedTemplatesAndDates() {
        ChatTemplate template = ChatTemplate.of("""
                {"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools {{ tools | length }}"}]}
                """, "model");
        assertThat(template.render(HELLO, null, true, Map.of(), NOW)).isEqualTo("plain");
        assertThat(template.render(HELLO, List.of(Map.of("name", "f")), true, Map.of(), NOW))
                .isEqualTo("tools 1");
        assertThat(rendered("{{ strftime_now('%A, %-d %B %Y %H:%M:%S %%') }}"))
                .isEqualTo("Monday, 9 March 2026 08:07:00 %");
        assertThat(rendered("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"))
                .isEqualTo("<s>Hello</s>");
    }

    @Test
    void aModelWithoutTemplateSaysSo() {
        ChatTemplate none = ChatTemplate.of("{}", "model");
        assertThat(none.present()).isFalse();
        assertThatThrownBy(() -> none.render(HELLO, null, true, Map.of(), NOW))
                .hasMessageContaining("HT-933 model: the model has no chat template");
    }

    @Test
    void theTemplateOfARealModel() {
        Path file =
                Path.of(System.getProperty("halftone.shared")).resolve("real-models/SmolLM2-135M-Instruct.Q4_1.gguf");
        assumeTrue(Files.exists(file), "no real model on this machine");
        try (ModelFile model = ModelFile.open(file);
                TextTokenizer tokenizer = model.tokenizer()) {
            String text = ChatTemplate.of(tokenizer.configJson(), "model").render(HELLO, null, true, Map.of(), NOW);
            assertThat(text)
                    .startsWith("<|im_start|>system\n")
                    .endsWith("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n");
        }
    }
}
