package dev.halftone.server;

import dev.halftone.error.ResourceException;
import dev.halftone.runtime.generate.TextModel;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.net.URI;
import java.time.Clock;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;

/**
 * OpenAI's interface to one model. Requests are read and templates run on worker threads, so that the network's thread never waits;
 * see {@link Routes} for what there is.
 */
public final class HalftoneServer implements AutoCloseable {
    private static final int WORKERS = 4;

    private final ServerOptions options;
    private final Metrics metrics = new Metrics();
    private final Scheduler scheduler;
    private final Routes routes;
    private final Vertx vertx;
    private final HttpServer server;

    /**
     * Serves from now on.
     *
     * @param model closed by the caller, after this
     * @throws ResourceException HT-963 if the port cannot be had
     */
    public HalftoneServer(TextModel model, ServerOptions options, Clock clock) {
        this.options = options;
        this.scheduler = new Scheduler(model, options, metrics);
        this.routes = new Routes(model, options, scheduler, metrics, clock);
        this.vertx = Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(WORKERS)
                .setFileSystemOptions(new FileSystemOptions()
                        .setClassPathResolvingEnabled(false)
                        .setFileCachingEnabled(false)));
        this.server = vertx.createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false));
        server.requestHandler(this::receive);
        try {
            server.listen(options.port(), options.host())
                    .toCompletionStage()
                    .toCompletableFuture()
                    .join();
        } catch (CompletionException e) {
            close();
            throw new ResourceException(
                    "HT-963",
                    "%s, port %d".formatted(options.host(), options.port()),
                    "cannot be served: " + (e.getCause() == null ? e : e.getCause()).getMessage(),
                    "use another --host or --port");
        }
    }

    /** Where it is. */
    public URI address() {
        String host = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
        return URI.create("http://%s:%d/".formatted(host, server.actualPort()));
    }

    /** Sequences that are computed or wait. */
    public int sequences() {
        return scheduler.running() + scheduler.waiting();
    }

    private void receive(HttpServerRequest request) {
        Exchange exchange =
                new Exchange(vertx, request, metrics, Routes.known(Routes.path(request)), options.requestSeconds());
        ApiError refused = routes.refused(request);
        if (refused != null) {
            exchange.fail(refused);
            return;
        }
        Buffer body = Buffer.buffer();
        request.handler(part -> {
            if (body.length() + part.length() > options.mostBytes()) {
                request.handler(null);
                request.endHandler(null);
                exchange.fail(new ApiError(
                        ApiError.TOO_LARGE,
                        "HT-956",
                        null,
                        "the body has more than %d bytes".formatted(options.mostBytes())));
            } else {
                body.appendBuffer(part);
            }
        });
        request.endHandler(_ -> vertx.executeBlocking(
                        () -> {
                            routes.answer(exchange, body.getBytes());
                            return true;
                        },
                        false)
                .onFailure(exchange::fail));
    }

    /** Takes nothing more, and lets what runs come to its end, for a while. */
    public void drain() {
        scheduler.drain(options.drainSeconds());
        // What was computed last still has to reach the clients.
        server.shutdown(1, TimeUnit.SECONDS)
                .toCompletionStage()
                .toCompletableFuture()
                .join();
    }

    @Override
    public void close() {
        scheduler.close();
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
