package dev.halftone.server;

import dev.halftone.error.HalftoneException;
import dev.halftone.error.InputException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a client is told when a request cannot be answered: an HTTP status and OpenAI's error object. */
final class ApiError extends RuntimeException {
    static final int BAD_REQUEST = 400;
    static final int UNAUTHORIZED = 401;
    static final int FORBIDDEN = 403;
    static final int NOT_FOUND = 404;
    static final int NOT_ALLOWED = 405;
    static final int TIMEOUT = 408;
    static final int TOO_LARGE = 413;
    static final int TOO_MANY = 429;
    static final int INTERNAL = 500;
    static final int UNAVAILABLE = 503;

    @Serial
    private static final long serialVersionUID = 1;

    private static final JsonMapper JSON = JsonMapper.shared();

    private final int status;
    private final String code;
    private final @Nullable String parameter;

    ApiError(int status, String code, @Nullable String parameter, String message) {
        super("%s %s%s".formatted(code, parameter == null ? "" : parameter + ": ", message));
        this.status = status;
        this.code = code;
        this.parameter = parameter;
    }

    /** What went wrong while a request was read or computed. */
    static ApiError of(Throwable failure) {
        return switch (failure) {
            case ApiError error -> error;
            case InputException e -> new ApiError(BAD_REQUEST, e.code(), null, withoutCode(e));
            case HalftoneException e -> new ApiError(UNAVAILABLE, e.code(), null, withoutCode(e));
            default -> new ApiError(INTERNAL, "HT-900", null, "a mistake in Halftone: " + failure);
        };
    }

    private static String withoutCode(HalftoneException e) {
        return String.valueOf(e.getMessage()).substring(e.code().length() + 1);
    }

    int status() {
        return status;
    }

    /** The document, with OpenAI's words where it has some. */
    ObjectNode document() {
        ObjectNode root = JSON.createObjectNode();
        ObjectNode error = root.putObject("error");
        error.put("message", String.valueOf(getMessage()));
        error.put("type", type());
        error.put("param", parameter);
        error.put(
                "code",
                switch (code) {
                    case "HT-941" -> "context_length_exceeded";
                    case "HT-960" -> "model_not_found";
                    case "HT-959" -> "invalid_api_key";
                    case "HT-957" -> "queue_full";
                    default -> code;
                });
        return root;
    }

    private String type() {
        return switch (status) {
            case TOO_MANY -> "rate_limit_exceeded";
            case UNAUTHORIZED -> "authentication_error";
            case INTERNAL, UNAVAILABLE -> "server_error";
            default -> "invalid_request_error";
        };
    }
}
