package dev.halftone.format;

import dev.halftone.error.InputException;

/**
 * Integers of {@code bits} bits, value = (code - zero) * scale; one FP16 scale, and if asymmetric a zero point of {@code bits}
 * bits, per {@code group} consecutive inputs of a row.
 *
 * <p>Asymmetric: zero lies inside [0, 2^bits - 1] and is represented exactly. Symmetric: the zero point is 2^(bits-1) for every
 * group and is not stored; a min-max scale is max|w| / (2^(bits-1) - 0.5) ({@code sym-wide}: GPTQ's and compressed-tensors'
 * symmetric grid).
 *
 * @param bits 2 to 8
 * @param group inputs per scale; {@link #ROW} for one scale per row
 */
public record IntGroup(int bits, int group, boolean symmetric) {
    /** A group as long as the row. */
    public static final int ROW = -1;

    private static final int SCALE_BITS = 16;

    public IntGroup {
        if (bits < 2 || bits > 8) {
            throw new InputException("HT-401", "", "format has %d bits; allowed are 2 to 8".formatted(bits), "");
        }
        if (group < 1 && group != ROW) {
            throw new InputException(
                    "HT-402",
                    "",
                    "group is %d; allowed are positive numbers, or -1 for a whole row".formatted(group),
                    "");
        }
    }

    /** Largest code. */
    public int largest() {
        return (1 << bits) - 1;
    }

    /** The zero point of every group if symmetric. */
    public int middle() {
        return 1 << (bits - 1);
    }

    /** Inputs per group in a row of that many inputs. */
    public int groupIn(int in) {
        return group == ROW ? in : group;
    }

    /** Groups in a row of that many inputs, which the group must divide. */
    public int groups(int in) {
        return in / groupIn(in);
    }

    /** True if rows of that many inputs split into whole groups and whole bytes. */
    public boolean divides(int in) {
        return in % groupIn(in) == 0 && (long) in * bits % 8 == 0;
    }

    /** Stored bits per weight, scales, zeros and the padding of both included. */
    public double bitsPerWeight(int out, int in) {
        return 8.0 * (codeBytes(in) + scaleBytes(in) + zeroBytes(in)) / in;
    }

    /** Bytes of the codes of one row. */
    public int codeBytes(int in) {
        return Math.ceilDiv(in * bits, 8);
    }

    int scaleBytes(int in) {
        return groups(in) * SCALE_BITS / 8;
    }

    /** Bytes of the zero points of one row; none if symmetric. */
    public int zeroBytes(int in) {
        return symmetric ? 0 : Math.ceilDiv(groups(in) * bits, 8);
    }

    /** The name in reports: "int3 g64 asymmetric". */
    public String label() {
        return "int" + bits + (group == ROW ? " per row" : " g" + group) + (symmetric ? " symmetric" : " asymmetric");
    }
}
