package dev.halftone.tensor;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * A fixed number of threads for independent pieces of work. Which thread takes which piece is left to chance, so a piece must
 * neither read nor add to what another writes; then results are the same for any number of threads.
 */
public final class Workers implements AutoCloseable {
    private final int threads;
    private final boolean torch;
    private final ExecutorService executor;

    /** @param threads at least 1 */
    public Workers(int threads) {
        this(threads, true);
    }

    private Workers(int threads, boolean torch) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads: " + threads);
        }
        this.threads = threads;
        this.torch = torch;
        if (torch) {
            Torch.load();
        }
        this.executor = Executors.newFixedThreadPool(threads, body -> {
            Thread thread = new Thread(
                    () -> {
                        if (torch) {
                            Torch.singleThreaded();
                        }
                        body.run();
                    },
                    "halftone-worker");
            thread.setDaemon(true);
            return thread;
        });
    }

    /** For pieces that do not use libtorch: it takes most of a second to load. */
    public static Workers withoutTorch(int threads) {
        return new Workers(threads, false);
    }

    public int threads() {
        return threads;
    }

    /** Calls {@code piece} with 0 .. count-1, each once, native memory freed after each; rethrows the first failure. */
    public void forEach(int count, IntConsumer piece) {
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> running = new ArrayList<>();
        for (int t = 0; t < Math.min(threads, count); t++) {
            running.add(executor.submit(() -> {
                try {
                    for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                        int index = i;
                        Interruption.inside(() -> {
                            if (torch) {
                                Torch.inScope(() -> piece.accept(index));
                            } else {
                                piece.accept(index);
                            }
                        });
                    }
                } catch (RuntimeException | Error e) {
                    next.set(count);
                    throw e;
                }
            }));
        }
        Throwable failure = null;
        for (Future<?> future : running) {
            try {
                future.get();
            } catch (ExecutionException e) {
                failure = failure == null && e.getCause() != null ? e.getCause() : failure;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for workers", e);
            }
        }
        switch (failure) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(failure);
        }
    }

    @Override
    public void close() {
        executor.shutdownNow();
    }
}
