package dev.halftone.reproduce;

/** A paper's headline claim: of models that recipes quantize, or of something that an experiment measures. */
public sealed interface Reproducible permits Claim, Experiment {
    /** What {@code halftone reproduce} calls it. */
    String name();

    /** Where it was made. */
    String paper();

    /** The claim in one sentence. */
    String statement();
}
