package dev.halftone.format;

import dev.halftone.error.InputException;

/**
 * SpQR's format: integer codes, value = s (code - z), whose scales s and zero points z are themselves codes of a few bits in tiles of
 * {@code rows} outputs.
 *
 * <p>Source: Dettmers et al., arXiv:2306.03078. Bits per weight without row padding: bits + 2 statisticBits / group + 64 / (group rows).
 *
 * @param bits of a weight's code, 2 to 8
 * @param group inputs that share s and z
 * @param statisticBits of a scale's and of a zero point's code, 1 to 8
 * @param rows outputs whose scales share the four FP16 numbers that their codes stand for
 * @param reordered groups are any {@code group} inputs: the group of each input is stored, 16 bits
 */
public record BilevelGroup(int bits, int group, int statisticBits, int rows, boolean reordered)
        implements StoredFormat {
    public BilevelGroup {
        if (bits < 2 || bits > 8 || statisticBits < 1 || statisticBits > 8 || group < 1 || rows < 1) {
            throw new InputException(
                    "HT-721",
                    "",
                    "%d bits in groups of %d, statistics of %d bits for %d rows; expected 2 to 8, 1 or more, 1 to 8, 1 or more"
                            .formatted(bits, group, statisticBits, rows),
                    "see docs/solvers.md");
        }
    }

    int codeBytes(int in) {
        return Math.ceilDiv(in * bits, 8);
    }

    int groups(int in) {
        return in / group;
    }

    /** Bytes of the scales' codes of one row, and of the zero points' codes. */
    int statisticBytes(int in) {
        return Math.ceilDiv(groups(in) * statisticBits, 8);
    }

    int tiles(int out) {
        return Math.ceilDiv(out, rows);
    }

    /** "int3 g16 with int3 scales and zero points over 16 rows". */
    @Override
    public String label() {
        return "int%d g%d with int%d scales and zero points over %d rows%s"
                .formatted(bits, group, statisticBits, rows, reordered ? " reordered" : "");
    }
}
