package dev.halftone.server;

import dev.halftone.runtime.generate.Generation;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * A request and its answer. May be called by any thread: what touches the network is handed to the one that owns the connection.
 * An answer is given once; a client that goes away, or whose time is over, cancels what is computed for it.
 */
final class Exchange {
    private static final String RETRY_SECONDS = "1";

    private final Context context;
    private final HttpServerRequest request;
    private final HttpServerResponse response;
    private final Metrics metrics;
    private final String path;
    private List<Generation> generations = List.of();
    private boolean streaming;
    private boolean over;

    /** @param path for the metrics: one of the known ones */
    Exchange(Vertx vertx, HttpServerRequest request, Metrics metrics, String path, int seconds) {
        this.context = vertx.getOrCreateContext();
        this.request = request;
        this.response = request.response();
        this.metrics = metrics;
        this.path = path;
        long timer = vertx.setTimer(seconds * 1000L, _ -> timeOver(seconds));
        response.closeHandler(_ -> {
            vertx.cancelTimer(timer);
            gone();
        });
        response.exceptionHandler(_ -> gone());
        request.exceptionHandler(_ -> gone());
        response.endHandler(_ -> vertx.cancelTimer(timer));
    }

    HttpServerRequest request() {
        return request;
    }

    private void gone() {
        if (!over) {
            over = true;
            metrics.cancelled();
            metrics.answered(path, 499);
            cancel();
        }
    }

    private synchronized void cancel() {
        generations.forEach(Generation::cancel);
    }

    private void timeOver(int seconds) {
        if (!over) {
            metrics.cancelled();
            cancel();
            failOn(new ApiError(
                    generationsGiven() ? ApiError.UNAVAILABLE : ApiError.TIMEOUT,
                    "HT-962",
                    null,
                    "the request took longer than %d s".formatted(seconds)));
        }
    }

    private synchronized boolean generationsGiven() {
        return !generations.isEmpty();
    }

    /** What is computed for it: cancelled with it. */
    void owns(List<Generation> computed) {
        synchronized (this) {
            generations = computed;
        }
        context.runOnContext(_ -> {
            if (over) {
                cancel();
            }
        });
    }

    /** The whole answer. */
    void send(String type, String text) {
        context.runOnContext(_ -> {
            if (!over) {
                end(200, type, text);
            }
        });
    }

    void send(ObjectNode document) {
        send("application/json", document.toString());
    }

    private void end(int status, String type, String text) {
        over = true;
        metrics.answered(path, status);
        response.setStatusCode(status)
                .putHeader("Content-Type", type)
                .putHeader("X-Content-Type-Options", "nosniff")
                .end(text);
    }

    /** A part of the answer, as a server-sent event. */
    void event(String data) {
        context.runOnContext(_ -> {
            if (!over) {
                if (!streaming) {
                    streaming = true;
                    response.putHeader("Content-Type", "text/event-stream; charset=utf-8")
                            .putHeader("Cache-Control", "no-store")
                            .putHeader("X-Content-Type-Options", "nosniff")
                            .setChunked(true);
                }
                response.write("data: " + data + "\n\n");
            }
        });
    }

    /** The end of a stream. */
    void endEvents() {
        event("[DONE]");
        context.runOnContext(_ -> {
            if (!over) {
                over = true;
                metrics.answered(path, 200);
                response.end();
            }
        });
    }

    /** Ends it with an error, and what is computed for it. */
    void fail(Throwable failure) {
        cancel();
        context.runOnContext(_ -> failOn(ApiError.of(failure)));
    }

    private void failOn(ApiError error) {
        if (over) {
            return;
        }
        if (streaming) {
            over = true;
            metrics.answered(path, error.status());
            response.write("data: " + error.document() + "\n\n");
            response.end();
            return;
        }
        switch (error.status()) {
            case ApiError.TOO_MANY, ApiError.UNAVAILABLE -> response.putHeader("Retry-After", RETRY_SECONDS);
            case ApiError.UNAUTHORIZED -> response.putHeader("WWW-Authenticate", "Bearer");
            case ApiError.TOO_LARGE, ApiError.TIMEOUT -> response.putHeader("Connection", "close");
            default -> {}
        }
        end(error.status(), "application/json", error.document().toString());
    }
}
