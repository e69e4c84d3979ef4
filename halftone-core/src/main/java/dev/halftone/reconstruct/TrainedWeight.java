package dev.halftone.reconstruct;

import dev.halftone.format.StoredWeight;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;

/** A weight whose stored form is trained: parameters, the values that they make, and how a gradient moves them. */
public interface TrainedWeight {
    /** The linear whose weight it is. */
    LinearSite site();

    /** Puts the values that would be read from a file now into the memory, float32 (out, in). */
    void read(MemorySegment target, Workers workers);

    /**
     * Moves the parameters.
     *
     * @param gradient of the loss by the values, float32 (out, in)
     * @param rate of this step, a share of what the parameters are measured in
     */
    void step(MemorySegment gradient, double rate, Workers workers);

    /** Remembers the parameters as they are now. */
    void keep();

    /** Goes back to the parameters that were remembered last. */
    void restore();

    /** Goes back to the parameters that it started with. */
    void reset();

    /** Share of codes that are not the nearest on their grids now. */
    double changed();

    /** As it would be stored now. */
    StoredWeight packed();
}
