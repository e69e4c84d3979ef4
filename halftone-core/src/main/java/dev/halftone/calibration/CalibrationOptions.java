package dev.halftone.calibration;

import dev.halftone.error.InputException;

/**
 * Which windows of a text calibration reads.
 *
 * @param samples number of windows
 * @param length tokens per window
 * @param sampling which windows
 * @param seed of random sampling; no effect otherwise
 */
public record CalibrationOptions(int samples, int length, Sampling sampling, long seed) {
    /** FIRST: the first windows, one after the other, without overlap. RANDOM: starts uniform over the text. */
    public enum Sampling {
        FIRST,
        RANDOM
    }

    /** 128 windows of 512 tokens from the start of the text. */
    public static final CalibrationOptions DEFAULT = new CalibrationOptions(128, 512, Sampling.FIRST, 1);

    public CalibrationOptions {
        if (samples < 1 || length < 2) {
            throw new InputException(
                    "HT-410",
                    "calibration",
                    "%d samples of %d tokens; at least 1 sample of 2 tokens is needed".formatted(samples, length),
                    "");
        }
    }
}
