package dev.halftone.training;

import java.lang.foreign.MemorySegment;
import java.util.List;

/** Moves parameters by their gradient. */
interface Optimizer {
    /** What {@link #update} is called with in a step: all parameters, each once. */
    List<Piece> pieces();

    /**
     * One update of {@code count} parameters from {@code from} on, which are all decayed or all not; called once per piece and
     * step, from several threads.
     *
     * @param gradient of all parameters, float32
     * @param scale what the gradient is to be multiplied by
     * @param step counted from 1
     */
    void update(MemorySegment values, MemorySegment gradient, Piece piece, double scale, double rate, int step);

    /** What a checkpoint has to keep. */
    List<MemorySegment> state();

    /** A run of neighbouring parameters. */
    record Piece(long from, long count, boolean decayed) {}
}
