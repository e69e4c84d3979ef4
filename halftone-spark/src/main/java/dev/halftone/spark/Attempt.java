package dev.halftone.spark;

import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;

/** The attempt at a task that the calling thread is making. */
final class Attempt {
    private Attempt() {}

    /** A name that no other attempt at any task of any application has. */
    static String name() {
        return "-" + SparkEnv.get().conf().getAppId() + "-" + TaskContext.get().taskAttemptId();
    }

    /** The executor and its host, for messages. */
    static String place() {
        return SparkEnv.get().executorId() + " on "
                + SparkEnv.get().blockManager().blockManagerId().host();
    }
}
