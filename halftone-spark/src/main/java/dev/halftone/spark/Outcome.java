package dev.halftone.spark;

import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What an executor sends back of a task: its result, or why this executor can compute nothing at all. The latter is no exception,
 * because Spark would try three more times.
 *
 * @param result null beside a refusal; of a class that can be sent
 * @param refusal null beside a result
 */
record Outcome<R>(@Nullable R result, @Nullable String refusal) implements Serializable {}
