package dev.halftone.server;

import dev.halftone.error.InputException;
import org.jspecify.annotations.Nullable;

/**
 * Where a model is served, and how much of it.
 *
 * @param port 0 for any that is free
 * @param name what clients call the model
 * @param apiKey what clients must send; null for nothing
 * @param parallel sequences that are computed at once
 * @param queue sequences that wait, at most
 * @param mostTokens of one answer; 0 for what the context holds
 * @param mostBytes of a request's body
 * @param chunk tokens of a prompt in one step of the engine
 * @param requestSeconds after which a request is ended
 * @param drainSeconds that running requests have at the end
 * @param seed of the seeds of requests that have none
 */
public record ServerOptions(
        String host,
        int port,
        String name,
        @Nullable String apiKey,
        int parallel,
        int queue,
        int mostTokens,
        int mostBytes,
        int chunk,
        int requestSeconds,
        int drainSeconds,
        long seed) {
    /** Checks the ranges: HT-964. */
    public ServerOptions {
        check("--port", port, 0, 65535);
        check("--parallel", parallel, 1, 1024);
        check("--queue", queue, 0, 100_000);
        check("--max-tokens", mostTokens, 0, Integer.MAX_VALUE);
        check("--max-bytes", mostBytes, 1024, 1 << 30);
        check("--chunk", chunk, 1, 1 << 16);
        check("--request-timeout", requestSeconds, 1, 86_400);
        check("--drain-timeout", drainSeconds, 0, 86_400);
        if (name.isEmpty()) {
            throw new InputException("HT-964", "--name", "is empty", "");
        }
        if (apiKey != null && apiKey.isBlank()) {
            throw new InputException("HT-964", "--api-key", "is empty", "leave it out, or give one");
        }
    }

    private static void check(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new InputException("HT-964", option, "is %d; expected %d to %d".formatted(value, least, most), "");
        }
    }

    /** Defaults on this machine alone. */
    public static ServerOptions local(String name, int port) {
        return new ServerOptions("127.0.0.1", port, name, null, 16, 64, 0, 8 << 20, 128, 600, 30, 1);
    }

    /** True if only this machine can reach it. */
    public boolean loopback() {
        return host.equals("localhost") || host.equals("::1") || host.startsWith("127.");
    }
}
