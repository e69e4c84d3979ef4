package dev.halftone.format;

import dev.halftone.error.InputException;

/**
 * Integers of {@code bits} bits, value = (code - zero) * scale + offset, with one scale per tile of {@code rows} outputs by
 * {@code group} consecutive inputs. What a mode needs beside the scale is stored with it: a zero point of {@code bits} bits
 * ({@link GridMode#ASYM}) or a minimum of the scale's type ({@link GridMode#AFFINE}).
 *
 * @param bits 2 to 8; 1 for {@link GridMode#BINARY}, 2 for {@link GridMode#TERNARY}
 * @param group inputs per scale; {@link #ROW} for all of them
 * @param mode what codes stand for
 * @param scale what scales are stored as
 * @param rows outputs per scale, the last tile may have fewer; {@link #ALL_ROWS} for one row of tiles
 * @param reordered groups are any {@code group} inputs, not consecutive ones: the group of each input is stored, 16 bits
 */
public record IntGroup(int bits, int group, GridMode mode, ScaleType scale, int rows, boolean reordered) {
    /** A group as long as the row. */
    public static final int ROW = -1;

    /** A tile as high as the weight. */
    public static final int ALL_ROWS = -1;

    private static final int GROUP_INDEX_BITS = 16;
    private static final int UNIT_BYTES = 4;

    public IntGroup {
        if (bits < mode.leastBits() || bits > mode.mostBits()) {
            String allowed = mode.leastBits() == mode.mostBits()
                    ? mode.title() + " has " + mode.mostBits()
                    : "allowed are %d to %d".formatted(mode.leastBits(), mode.mostBits());
            throw new InputException("HT-401", "", "format has %d bits; %s".formatted(bits, allowed), "");
        }
        if ((group < 1 && group != ROW) || (rows < 1 && rows != ALL_ROWS)) {
            throw new InputException(
                    "HT-402",
                    "",
                    "group is %s; allowed are positive numbers, or -1 for a whole row"
                            .formatted(rows == 1 ? String.valueOf(group) : rows + "x" + group),
                    "");
        }
        if (mode == GridMode.SIGNED_MAX && !scale.signed()) {
            throw refused("signed-max keeps a sign in its scales, which " + scale.title() + " has not");
        }
        if (mode == GridMode.AFFINE && (scale == ScaleType.E4M3 || scale == ScaleType.E8M0)) {
            throw refused("affine stores minima beside its scales, for which " + scale.title() + " is too coarse");
        }
        if (reordered && (group == ROW || rows != 1)) {
            throw refused("the order of inputs is stored for groups of one row only");
        }
    }

    /** FP16 scales, one per {@code group} inputs of a row: {@link GridMode#SYM_WIDE} or {@link GridMode#ASYM}. */
    public IntGroup(int bits, int group, boolean symmetric) {
        this(bits, group, symmetric ? GridMode.SYM_WIDE : GridMode.ASYM, ScaleType.F16, 1, false);
    }

    private static InputException refused(String finding) {
        return new InputException("HT-407", "", finding, "use fp16, bf16 or fp32 scales, or another mode");
    }

    /** The same with inputs in any order, or in their own. */
    public IntGroup withReordered(boolean stored) {
        return new IntGroup(bits, group, mode, scale, rows, stored);
    }

    /** The same with other groups in the row. */
    public IntGroup withGroup(int inputs) {
        return new IntGroup(bits, inputs, mode, scale, rows, reordered);
    }

    /** True if a group needs nothing but its scale. */
    public boolean symmetric() {
        return mode.symmetric();
    }

    /** Smallest code. */
    public int lowest() {
        return mode == GridMode.SYM || mode == GridMode.TERNARY ? 1 : 0;
    }

    /** Largest code. */
    public int largest() {
        return (1 << bits) - 1;
    }

    /** The zero point of a group that stores none. */
    public int middle() {
        return symmetric() && mode != GridMode.BINARY ? 1 << (bits - 1) : 0;
    }

    /** Inputs per group in a row of that many inputs. */
    public int groupIn(int in) {
        return group == ROW ? in : group;
    }

    /** Groups in a row of that many inputs, which the group must divide. */
    public int groups(int in) {
        return in / groupIn(in);
    }

    /** Outputs per scale in a weight of that many outputs. */
    public int rowsIn(int out) {
        return rows == ALL_ROWS ? out : rows;
    }

    /** Rows of scales. */
    public int tiles(int out) {
        return Math.ceilDiv(out, rowsIn(out));
    }

    /** True if rows of that many inputs split into whole groups and whole bytes. */
    public boolean divides(int in) {
        return in % groupIn(in) == 0 && (long) in * bits % 8 == 0 && (!reordered || groups(in) <= 1 << 16);
    }

    /** Stored bits per weight, scales, zeros and the padding of both included. */
    public double bitsPerWeight(int out, int in) {
        long scales = (long) tiles(out) * (scaleBytes(in) + zeroBytes(in) + minimumBytes(in));
        long bytes = (long) out * codeBytes(in) + scales + unitBytes() + indexBytes(in);
        return 8.0 * bytes / ((double) out * in);
    }

    /** Bytes of the codes of one row. */
    public int codeBytes(int in) {
        return Math.ceilDiv(in * bits, 8);
    }

    /** Bytes of one row of scales. */
    int scaleBytes(int in) {
        return groups(in) * scale.bytes();
    }

    /** Bytes of the zero points of one row of scales; none if symmetric. */
    public int zeroBytes(int in) {
        return mode == GridMode.ASYM ? Math.ceilDiv(groups(in) * bits, 8) : 0;
    }

    /** Bytes of the minima of one row of scales. */
    int minimumBytes(int in) {
        return mode == GridMode.AFFINE ? scaleBytes(in) : 0;
    }

    /** Bytes of the number that scales are multiples of. */
    int unitBytes() {
        return scale.hasUnit() ? UNIT_BYTES : 0;
    }

    /** Bytes of the group of each input. */
    int indexBytes(int in) {
        return reordered ? in * GROUP_INDEX_BITS / 8 : 0;
    }

    /**
     * What the scales of a weight are multiples of: 1, or for short scale types a number that puts the largest scale a grid can
     * have, twice that of the values as they are, at the end of the type.
     */
    public float unit(float[] w) {
        if (!scale.hasUnit()) {
            return 1;
        }
        float most = 0;
        for (float x : w) {
            most = Math.max(most, Math.abs(x));
        }
        return most == 0 ? 1 : Math.max(2 * most * mode.largestScale(bits) / scale.largest(), Float.MIN_NORMAL);
    }

    /** The name in reports: "int3 g64 asymmetric". */
    public String label() {
        StringBuilder label = new StringBuilder();
        label.append(bits == mode.mostBits() && bits < 8 ? "" : "int" + bits + " ");
        label.append(
                switch (mode) {
                    case ASYM, SYM_WIDE -> "";
                    default -> mode.title() + " ";
                });
        label.append(
                rows != 1
                        ? (rows == ALL_ROWS && group == ROW ? "per tensor" : "tiles of " + rows + "x" + group)
                        : group == ROW ? "per row" : "g" + group);
        label.append(
                switch (mode) {
                    case ASYM -> " asymmetric";
                    case SYM_WIDE -> " symmetric";
                    default -> "";
                });
        label.append(scale == ScaleType.F16 ? "" : " " + scale.title() + " scales");
        return label.append(reordered ? " reordered" : "").toString();
    }
}
