package dev.halftone.server;

import dev.halftone.runtime.generate.Batch;
import dev.halftone.runtime.generate.Generation;
import dev.halftone.runtime.generate.TextModel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/**
 * The one thread that drives the engine. Sequences join the batch between two steps, the longest waiting first, and leave it as
 * soon as they end or nobody wants them any more.
 */
final class Scheduler implements AutoCloseable {
    private final ServerOptions options;
    private final Metrics metrics;
    private final Batch batch;
    private final Deque<Generation> waiting = new ArrayDeque<>();
    private final Thread thread;
    private int running;
    private boolean draining;
    private boolean closed;

    Scheduler(TextModel model, ServerOptions options, Metrics metrics) {
        this.options = options;
        this.metrics = metrics;
        this.batch = new Batch(model, options.chunk());
        this.thread = Thread.ofPlatform().daemon().name("halftone-engine").unstarted(this::run);
        metrics.watch(this::running, this::waiting);
        thread.start();
    }

    synchronized int running() {
        return running;
    }

    synchronized int waiting() {
        return waiting.size();
    }

    /**
     * Takes all of them or none.
     *
     * @throws ApiError HT-957 if the queue is full, HT-958 after {@link #drain}
     */
    synchronized void submit(List<Generation> generations) {
        if (draining) {
            throw new ApiError(ApiError.UNAVAILABLE, "HT-958", null, "the server is shutting down");
        }
        waiting.removeIf(Generation::over);
        int places = options.queue() + Math.max(0, options.parallel() - running);
        if (generations.size() > options.queue() + options.parallel()) {
            throw new ApiError(
                    ApiError.BAD_REQUEST,
                    "HT-952",
                    "n",
                    "%d sequences in one request; expected at most %d"
                            .formatted(generations.size(), options.queue() + options.parallel()));
        }
        if (waiting.size() + generations.size() > places) {
            throw new ApiError(
                    ApiError.TOO_MANY,
                    "HT-957",
                    null,
                    "%d sequences are computed and %d wait; try again later".formatted(running, waiting.size()));
        }
        waiting.addAll(generations);
        notifyAll();
    }

    private void run() {
        try (batch) {
            while (admit()) {
                batch.step();
                metrics.stepped();
            }
        } finally {
            synchronized (this) {
                draining = true; // whatever ended it, nobody would answer
            }
        }
    }

    /** Waits for work and lets it in; false at the end. */
    private synchronized boolean admit() {
        while (true) {
            waiting.removeIf(Generation::over);
            while (batch.size() < options.parallel() && !waiting.isEmpty()) {
                batch.add(waiting.removeFirst());
            }
            running = batch.size();
            notifyAll();
            if (closed || running > 0) {
                return !closed;
            }
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
    }

    /** Takes nothing more, and waits until nothing is left, or so many seconds. */
    synchronized void drain(int seconds) {
        draining = true;
        long end = System.nanoTime() + seconds * 1_000_000_000L;
        try {
            for (long left = end - System.nanoTime();
                    left > 0 && (running > 0 || !waiting.isEmpty());
                    left = end - System.nanoTime()) {
                wait(1 + left / 1_000_000);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            draining = true;
            closed = true;
            waiting.clear();
            notifyAll();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
