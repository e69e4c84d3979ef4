package dev.halftone.spark;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;

/** An application on Spark that has at least one place to run a task. */
final class SparkCluster implements AutoCloseable {
    /** At most, for a master that is reached to take the application: less than Spark's own patience. */
    private static final long REGISTRATION_SECONDS = 40;

    /** At most, for Spark in this process, which asks nobody and can only be slow. */
    private static final long LOCAL_SECONDS = 600;

    /** Spark's own setting for how long work waits for what it needs; its default, 30 s, is short for an executor on a busy machine. */
    private static final String PATIENCE = "spark.scheduler.maxRegisteredResourcesWaitingTime";

    private static final String DEFAULT_PATIENCE = "60s";
    private static final long POLL_MILLISECONDS = 25;

    private final SparkMaster master;
    private final JavaSparkContext context;
    private final int threads;
    private final long patienceSeconds;
    private long lastSlot = System.nanoTime();

    private SparkCluster(SparkMaster master, int threads, SparkConf conf) {
        this.master = master;
        this.threads = threads;
        this.patienceSeconds = conf.getTimeAsSeconds(PATIENCE, DEFAULT_PATIENCE);
        long seconds = switch (master) {
            case SparkMaster.Local _ -> LOCAL_SECONDS;
            case SparkMaster.Standalone _ -> Math.min(patienceSeconds, REGISTRATION_SECONDS);
        };
        this.context = register(master, conf, seconds);
    }

    /**
     * Starts one.
     *
     * @param threads of each task
     * @param scratch a directory of this process
     * @throws InputException HT-671 if a task wants more threads than there are
     * @throws ResourceException HT-672 if there is no master, HT-673 if it has no place for a task
     */
    static SparkCluster start(SparkMaster master, int threads, Path scratch) {
        switch (master) {
            case SparkMaster.Local local -> {
                if (threads > local.cores()) {
                    throw new InputException(
                            "HT-671",
                            "--threads",
                            "is %d; %s has %d".formatted(threads, master.url(), local.cores()),
                            "give more in the brackets, or fewer threads");
                }
            }
            case SparkMaster.Standalone standalone -> standalone.reach();
        }
        SparkCluster cluster = new SparkCluster(master, threads, SparkSettings.of(master, threads, scratch));
        try {
            while (cluster.slots() == 0) {
                cluster.watch();
                Thread.sleep(POLL_MILLISECONDS);
            }
            return cluster;
        } catch (InterruptedException e) {
            cluster.close();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for executors", e);
        } catch (RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /** Spark waits a minute for an answer, in its constructor, and fails with an exception of no meaning. */
    private static JavaSparkContext register(SparkMaster master, SparkConf conf, long seconds) {
        CompletableFuture<JavaSparkContext> made = new CompletableFuture<>();
        Thread thread = new Thread(
                () -> {
                    try {
                        made.complete(new JavaSparkContext(conf));
                    } catch (Throwable e) { // handed over
                        made.completeExceptionally(e);
                    }
                },
                "halftone-spark-start");
        thread.setDaemon(true);
        thread.start();
        try {
            return made.get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw refused(master, "it could not be used: " + e.getCause());
        } catch (TimeoutException _) {
            thread.interrupt();
            // One that comes too late would be in the way of the next: there is one in a process.
            CompletableFuture<Void> _ = made.thenAccept(JavaSparkContext::close);
            throw refused(master, "it has not taken the application in " + seconds + " seconds");
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while Spark starts", e);
        }
    }

    private static ResourceException refused(SparkMaster master, String finding) {
        return new ResourceException(
                "HT-672",
                master.url(),
                finding,
                "check that a Spark master of version " + org.apache.spark.package$.MODULE$.SPARK_VERSION()
                        + " listens there");
    }

    JavaSparkContext context() {
        return context;
    }

    /** How many tasks could run now. */
    int slots() {
        SparkContext spark = context.sc();
        return spark.maxNumConcurrentTasks(spark.resourceProfileManager().defaultResourceProfile());
    }

    /**
     * To be called now and then by who waits for tasks.
     *
     * @throws ResourceException HT-673 if there has been no place for a task for a while, HT-675 if Spark has ended
     */
    void watch() {
        if (stopped()) {
            throw new ResourceException(
                    "HT-675",
                    master.url(),
                    "Spark ended the application",
                    "what is finished is kept: run the command again; the master's log says why");
        }
        if (slots() > 0) {
            lastSlot = System.nanoTime();
        } else if (System.nanoTime() - lastSlot > TimeUnit.SECONDS.toNanos(patienceSeconds)) {
            throw new ResourceException(
                    "HT-673",
                    master.url(),
                    "no executor with %d free cores for %d seconds".formatted(threads, patienceSeconds),
                    "start workers, or ask for less with --threads or -Dspark.executor.memory in HALFTONE_JAVA_OPTS");
        }
    }

    boolean stopped() {
        return context.sc().isStopped();
    }

    @Override
    public void close() {
        context.close();
    }
}
