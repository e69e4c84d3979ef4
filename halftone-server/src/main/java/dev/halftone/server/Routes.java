package dev.halftone.server;

import dev.halftone.runtime.generate.TextModel;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Who may ask, and for what. */
final class Routes {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String MODEL = "/v1/models/";
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHATS = "/v1/chat/completions";
    private static final Set<String> GET = Set.of("/", "/health", "/metrics", "/v1/models", "/tokenizer_info");
    private static final Set<String> POST = Set.of(COMPLETIONS, CHATS, "/tokenize", "/detokenize");
    private static final Set<String> OPEN = Set.of("/", "/health");
    private static final Set<String> LOCAL_HOSTS = Set.of("127.0.0.1", "localhost", "[::1]");

    private final TextModel model;
    private final ServerOptions options;
    private final Scheduler scheduler;
    private final Metrics metrics;
    private final Completions completions;
    private final long started;
    private final String page;

    Routes(TextModel model, ServerOptions options, Scheduler scheduler, Metrics metrics, Clock clock) {
        this.model = model;
        this.options = options;
        this.scheduler = scheduler;
        this.metrics = metrics;
        this.completions = new Completions(model, options, scheduler, metrics, clock);
        this.started = clock.instant().getEpochSecond();
        this.page = resource("chat.html");
    }

    /** A path for the metrics: what clients make up has no counter of its own. */
    static String known(String path) {
        return GET.contains(path) || POST.contains(path) ? path : path.startsWith(MODEL) ? MODEL : "other";
    }

    static String path(HttpServerRequest request) {
        String path = request.path();
        return path == null ? "" : path;
    }

    /** Why a request is not even read; null if it is. */
    @Nullable
    ApiError refused(HttpServerRequest request) {
        String path = path(request);
        String host = String.valueOf(request.getHeader("Host")).replaceFirst(":[0-9]+$", "");
        // A page from elsewhere must not reach a server that serves only this machine, by whatever name it calls it.
        if (options.loopback() && !LOCAL_HOSTS.contains(host) && !host.startsWith("127.")) {
            return new ApiError(ApiError.FORBIDDEN, "HT-961", "Host", "only this machine is served");
        }
        String origin = request.getHeader("Origin");
        if (origin != null && !sameHost(origin, String.valueOf(request.getHeader("Host")))) {
            return new ApiError(ApiError.FORBIDDEN, "HT-961", "Origin", "pages of other servers are not answered");
        }
        if (options.apiKey() != null && !OPEN.contains(path) && !authorized(request, options.apiKey())) {
            return new ApiError(ApiError.UNAUTHORIZED, "HT-959", null, "the API key is missing or wrong");
        }
        boolean get = GET.contains(path) || path.startsWith(MODEL);
        if (!get && !POST.contains(path)) {
            return new ApiError(
                    ApiError.NOT_FOUND, "HT-955", null, "there is no %s".formatted(Parameters.shortened(path)));
        }
        String method = get ? "GET" : "POST";
        return request.method().name().equals(method)
                ? null
                : new ApiError(ApiError.NOT_ALLOWED, "HT-955", null, "%s answers %s alone".formatted(path, method));
    }

    private static boolean sameHost(String origin, String host) {
        try {
            return host.equals(URI.create(origin).getAuthority());
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    private static boolean authorized(HttpServerRequest request, String key) {
        String given = String.valueOf(request.getHeader("Authorization"));
        return MessageDigest.isEqual(
                given.getBytes(StandardCharsets.UTF_8), ("Bearer " + key).getBytes(StandardCharsets.UTF_8));
    }

    /** Answers, or sets going what will. */
    void answer(Exchange exchange, byte[] body) {
        String path = path(exchange.request());
        switch (path) {
            case "/" -> exchange.send("text/html; charset=utf-8", page);
            case "/health" -> exchange.send(health());
            case "/metrics" -> exchange.send(Metrics.CONTENT_TYPE, metrics.text());
            case "/v1/models" -> exchange.send(models());
            case "/tokenizer_info" -> exchange.send(tokenizer());
            case COMPLETIONS -> completions.complete(Parameters.of(body), exchange);
            case CHATS -> completions.chat(Parameters.of(body), exchange);
            case "/tokenize" -> exchange.send(tokenize(Parameters.of(body)));
            case "/detokenize" -> exchange.send(detokenize(Parameters.of(body)));
            default -> exchange.send(one(path.substring(MODEL.length())));
        }
    }

    private ObjectNode health() {
        return JSON.createObjectNode()
                .put("status", "ok")
                .put("running", scheduler.running())
                .put("waiting", scheduler.waiting());
    }

    private ObjectNode models() {
        ObjectNode root = JSON.createObjectNode().put("object", "list");
        root.putArray("data").add(description());
        return root;
    }

    private ObjectNode one(String name) {
        if (!name.equals(options.name())) {
            throw new ApiError(
                    ApiError.NOT_FOUND,
                    "HT-960",
                    "model",
                    "\"%s\" is not served; \"%s\" is".formatted(Parameters.shortened(name), options.name()));
        }
        return description();
    }

    private ObjectNode description() {
        return JSON.createObjectNode()
                .put("id", options.name())
                .put("object", "model")
                .put("created", started)
                .put("owned_by", "halftone")
                .put("context_length", model.contextLength())
                .put("chat", model.template().present())
                .put("engine", model.engine().description());
    }

    /** What a remote tokenizer of the evaluation harness asks first. */
    private ObjectNode tokenizer() {
        Map<String, Object> tokens = model.template().tokens();
        ObjectNode root = JSON.createObjectNode();
        for (String role : List.of("eos_token", "bos_token", "pad_token")) {
            root.put(role, tokens.get(role) instanceof String text ? text : null);
        }
        if (root.path("eos_token").isNull() && model.tokenizer().eosId() >= 0) {
            root.put(
                    "eos_token",
                    model.tokenizer().decode(new int[] {model.tokenizer().eosId()}));
        }
        return root.put("chat_template", model.template().source());
    }

    private ObjectNode tokenize(Parameters p) {
        String text = p.string("prompt", "");
        boolean special = !p.has("add_special_tokens") || p.flag("add_special_tokens");
        p.ignore("model");
        p.finish();
        int[] ids = special ? model.encode(text) : model.tokenizer().encode(text);
        ObjectNode root = JSON.createObjectNode().put("count", ids.length).put("max_model_len", model.contextLength());
        ArrayNode tokens = root.putArray("tokens");
        for (int id : ids) {
            tokens.add(id);
        }
        return root;
    }

    private ObjectNode detokenize(Parameters p) {
        int[] ids = Completions.ids(p.node("tokens"));
        p.ignore("model");
        p.finish();
        for (int id : ids) {
            if (id < 0 || id >= model.tokenizer().vocabularySize()) {
                throw new ApiError(ApiError.BAD_REQUEST, "HT-952", "tokens", id + " is no token");
            }
        }
        return JSON.createObjectNode()
                .put("prompt", ids.length == 0 ? "" : model.tokenizer().decode(ids));
    }

    private static String resource(String name) {
        try (InputStream in = Routes.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException(name + " is missing from the jar");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
