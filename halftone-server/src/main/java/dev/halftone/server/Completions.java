package dev.halftone.server;

import dev.halftone.runtime.generate.GenerationRequest;
import dev.halftone.runtime.generate.Sampling;
import dev.halftone.runtime.generate.TextModel;
import java.time.Clock;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads requests for completions, and sets them going. */
final class Completions {
    private static final int MOST_ALTERNATIVES = 100;
    private static final int DEFAULT_TOKENS = 16;

    private final TextModel model;
    private final ServerOptions options;
    private final Scheduler scheduler;
    private final Metrics metrics;
    private final Clock clock;
    private final RandomGenerator seeds;
    private long number;

    Completions(TextModel model, ServerOptions options, Scheduler scheduler, Metrics metrics, Clock clock) {
        this.model = model;
        this.options = options;
        this.scheduler = scheduler;
        this.metrics = metrics;
        this.clock = clock;
        this.seeds = RandomGeneratorFactory.of("L64X128MixRandom").create(options.seed());
    }

    /** @param text empty where the tokens were given */
    private record Prompt(int[] ids, @Nullable String text) {}

    /** {@code POST /v1/completions}. */
    void complete(Parameters p, Exchange exchange) {
        checkModel(p);
        Wishes wishes = Wishes.read(p, seed());
        List<Prompt> prompts = prompts(p.node("prompt"));
        boolean echo = p.flag("echo");
        int alternatives = p.integer("logprobs", -1, 0, MOST_ALTERNATIVES);
        int most = p.integer("max_tokens", DEFAULT_TOKENS, echo ? 0 : 1, mostTokens());
        p.integer("best_of", wishes.choices(), wishes.choices(), wishes.choices());
        p.unsupported("suffix", "");
        p.finish();
        Answer answer = answer(exchange, new CompletionForm(model), wishes);
        for (Prompt prompt : prompts) {
            String text = !echo ? "" : prompt.text() != null ? prompt.text() : model.decode(prompt.ids());
            answer.add(request(prompt.ids(), most, wishes, echo && alternatives >= 0, alternatives), text);
        }
        answer.start(model, scheduler, options.chunk());
    }

    /** {@code POST /v1/chat/completions}. */
    void chat(Parameters p, Exchange exchange) {
        checkModel(p);
        Wishes wishes = Wishes.read(p, seed());
        List<Map<String, Object>> messages = Conversation.read(p.node("messages"));
        List<Object> tools = Conversation.tools(p.node("tools"));
        Map<String, Object> variables = Conversation.variables(p.node("chat_template_kwargs"));
        boolean logprobs = p.flag("logprobs");
        int top = p.integer("top_logprobs", 0, 0, MOST_ALTERNATIVES);
        if (top > 0 && !logprobs) {
            throw Parameters.wrong("top_logprobs", "wants \"logprobs\": true");
        }
        unsupportedInChats(p);
        String written = model.template().render(messages, tools, true, variables, LocalDateTime.now(clock));
        int[] ids = model.tokenizer().encode(written);
        int rest = Math.clamp(model.contextLength() + 1L - ids.length, 1, mostTokens());
        int older = p.integer("max_tokens", rest, 1, mostTokens());
        int most = p.integer("max_completion_tokens", older, 1, mostTokens());
        p.finish();
        Answer answer = answer(exchange, new ChatForm(model), wishes);
        answer.add(request(ids, most, wishes, false, logprobs ? top : -1), "");
        answer.start(model, scheduler, options.chunk());
    }

    private static void unsupportedInChats(Parameters p) {
        p.unsupported("functions", "");
        p.unsupported("function_call", "none");
        if (!p.node("tool_choice").asString("").equals("none")) {
            p.unsupported("tool_choice", "auto");
        }
        if (!p.node("response_format").path("type").asString("").equals("text")) {
            p.unsupported("response_format", "");
        }
        p.unsupported("modalities", "[\"text\"]");
        p.ignore("parallel_tool_calls");
    }

    private Answer answer(Exchange exchange, Form form, Wishes wishes) {
        return new Answer(
                exchange,
                form,
                wishes,
                metrics,
                options.name(),
                next(),
                clock.instant().getEpochSecond());
    }

    private synchronized String next() {
        return "%08x".formatted(++number);
    }

    private synchronized long seed() {
        return seeds.nextLong();
    }

    private int mostTokens() {
        return options.mostTokens() == 0 ? model.contextLength() : options.mostTokens();
    }

    private GenerationRequest request(int[] ids, int most, Wishes wishes, boolean scored, int alternatives) {
        Sampling sampling = wishes.sampling();
        return new GenerationRequest(ids, most, sampling, 0, wishes.stops(), scored, alternatives).checked(model);
    }

    private void checkModel(Parameters p) {
        String name = p.string("model", options.name());
        if (!name.equals(options.name())) {
            throw new ApiError(
                    ApiError.NOT_FOUND,
                    "HT-960",
                    "model",
                    "\"%s\" is not served; \"%s\" is".formatted(Parameters.shortened(name), options.name()));
        }
    }

    /** A text, a list of texts, a list of tokens, or a list of such lists. */
    private List<Prompt> prompts(JsonNode node) {
        if (node.isString()) {
            return List.of(text(node));
        }
        if (!node.isArray() || node.isEmpty()) {
            throw Parameters.wrong("prompt", "expected a text, token ids, or a list of these, not empty");
        }
        if (node.get(0).isNumber()) {
            return List.of(new Prompt(ids(node), null));
        }
        List<Prompt> prompts = new ArrayList<>();
        for (JsonNode one : node) {
            prompts.add(one.isString() ? text(one) : new Prompt(ids(one), null));
        }
        return prompts;
    }

    private Prompt text(JsonNode node) {
        return new Prompt(model.encode(node.stringValue()), node.stringValue());
    }

    /** @throws ApiError HT-951 for what is no list of ids */
    static int[] ids(JsonNode node) {
        if (!node.isArray()) {
            throw Parameters.wrong("prompt", "expected a text, token ids, or a list of these");
        }
        int[] ids = new int[node.size()];
        for (int i = 0; i < ids.length; i++) {
            JsonNode id = node.get(i);
            if (!id.isIntegralNumber() || !id.canConvertToInt()) {
                throw Parameters.wrong("prompt", "expected token ids, which are integers");
            }
            ids[i] = id.intValue();
        }
        return ids;
    }
}
