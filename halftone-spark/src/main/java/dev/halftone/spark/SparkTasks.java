package dev.halftone.spark;

import dev.halftone.error.InputException;
import java.io.Serializable;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.spark.api.java.function.Function;

/**
 * Independent pieces of work on a cluster, and their results one by one, as they come. Each is a Spark job of its own, because Spark
 * gives up a job with all its tasks where one of them fails too often, and forgets their results.
 *
 * @param <T> what a piece is
 * @param <R> what comes of it
 */
final class SparkTasks<T extends Serializable, R> implements AutoCloseable {
    private final SparkCluster cluster;
    private final Function<T, Outcome<R>> body;
    private final ExecutorService waiting = Executors.newVirtualThreadPerTaskExecutor();
    private final CompletionService<Finished<T, R>> finished = new ExecutorCompletionService<>(waiting);

    /** A piece that has come to its end: with a result, or with the reason why there is none. */
    sealed interface Finished<T, R> {
        T piece();
    }

    /** The result of a piece. */
    record Done<T, R>(T piece, R result) implements Finished<T, R> {}

    /** A piece that Spark has given up, with the last reason. */
    record GivenUp<T, R>(T piece, String reason) implements Finished<T, R> {}

    /** @param body runs on the executors, with all that it holds */
    SparkTasks(SparkCluster cluster, Function<T, Outcome<R>> body) {
        this.cluster = cluster;
        this.body = body;
    }

    /** Hands a piece to Spark, which begins with those that came first. */
    void submit(T piece) {
        Future<Finished<T, R>> _ = finished.submit(() -> compute(piece));
    }

    private Finished<T, R> compute(T piece) {
        Outcome<R> outcome;
        try {
            outcome = cluster.context()
                    .parallelize(List.of(piece), 1)
                    .map(body)
                    .collect()
                    .getFirst();
        } catch (Exception e) { // Spark's are checked, and not declared
            return new GivenUp<>(piece, reason(e));
        }
        R result = outcome.result();
        if (result == null) {
            throw refused(String.valueOf(outcome.refusal()));
        }
        return new Done<>(piece, result);
    }

    private static InputException refused(String reason) {
        return new InputException(
                "HT-674",
                "executor " + reason,
                "does not see what this process sees",
                "Halftone, the models, the texts and the study's directory must be there under the same paths, with the same contents");
    }

    /** Of Spark's message, which has several lines and a stack trace, the cause. */
    private static String reason(Exception e) {
        String message = String.valueOf(e.getMessage());
        String marker = "most recent failure: ";
        int from = message.indexOf(marker);
        String cause = from < 0 ? message : message.substring(from + marker.length());
        return cause.lines().findFirst().orElse(message);
    }

    /**
     * Waits for the next piece that comes to its end.
     *
     * @throws InputException HT-674 if an executor sees other files than this process
     * @throws dev.halftone.error.ResourceException HT-673 or HT-675 if there is nobody left to compute anything
     */
    Finished<T, R> next() {
        try {
            Future<Finished<T, R>> future = finished.poll(1, TimeUnit.SECONDS);
            while (future == null) {
                cluster.watch();
                future = finished.poll(1, TimeUnit.SECONDS);
            }
            Finished<T, R> next = future.get();
            if (next instanceof GivenUp<T, R>(T _, String reason)) {
                if (cluster.stopped()) {
                    cluster.watch();
                }
                if (reason.contains("ClassNotFoundException: dev.halftone")) {
                    throw refused(reason);
                }
            }
            return next;
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException known ? known : new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for Spark", e);
        }
    }

    /** Takes back what has not come to its end. */
    @Override
    public void close() {
        if (!cluster.stopped()) {
            cluster.context().sc().cancelAllJobs();
        }
        waiting.shutdownNow();
    }
}
