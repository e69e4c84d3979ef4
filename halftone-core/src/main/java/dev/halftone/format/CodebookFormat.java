package dev.halftone.format;

import dev.halftone.error.InputException;

/**
 * A codebook of a weight's own: 2^bits FP32 levels, and a code for each weight. No scales.
 *
 * @param bits 1 to 8
 */
public record CodebookFormat(int bits) implements StoredFormat {
    public CodebookFormat {
        if (bits < 1 || bits > 8) {
            throw new InputException("HT-401", "", "a codebook has %d bits; allowed are 1 to 8".formatted(bits), "");
        }
    }

    int codeBytes(int in) {
        return Math.ceilDiv(in * bits, 8);
    }

    /** "3-bit codebook per weight". */
    @Override
    public String label() {
        return bits + "-bit codebook per weight";
    }
}
