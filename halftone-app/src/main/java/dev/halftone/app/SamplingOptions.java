package dev.halftone.app;

import dev.halftone.runtime.generate.Sampling;
import java.util.Map;
import picocli.CommandLine.Option;

/** Options that choose among a model's predictions. */
final class SamplingOptions {
    @Option(
            names = "--temperature",
            paramLabel = "T",
            description = "0 for always the most probable token (default: ${DEFAULT-VALUE})")
    private double temperature = 0.8;

    @Option(names = "--top-k", paramLabel = "K", description = "only the K most probable tokens; 0 (default) for all")
    private int topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "only the most probable tokens that sum up to P (default: ${DEFAULT-VALUE})")
    private double topP = 0.95;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "only tokens with P times the most probable one's probability; 0 (default) for all")
    private double minP;

    @Option(
            names = "--repetition-penalty",
            paramLabel = "R",
            description =
                    "logits of tokens that were there are divided by it, or multiplied where negative (default: 1)")
    private double repetitionPenalty = 1;

    @Option(
            names = "--seed",
            paramLabel = "N",
            description = "the same text for the same number (default: ${DEFAULT-VALUE})")
    private long seed = 1;

    Sampling chosen() {
        return new Sampling(temperature, topK, topP, minP, repetitionPenalty, 0, 0, Map.of(), seed);
    }
}
