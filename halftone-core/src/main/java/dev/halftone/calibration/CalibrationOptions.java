package dev.halftone.calibration;

import dev.halftone.error.InputException;

/**
 * Which sequences calibration reads.
 *
 * @param samples number of sequences; where documents are packed, number of documents
 * @param length tokens per sequence, BOS included
 * @param seed of all that is random; equal seeds give equal sequences, and sequence k does not depend on how many are drawn
 */
public record CalibrationOptions(CalibrationSource source, int samples, int length, long seed) {
    /** 128 windows of 512 tokens from the start of a text that is still to be named. */
    public static final CalibrationOptions DEFAULT =
            new CalibrationOptions(CalibrationSource.named("text"), 128, 512, 1);

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
