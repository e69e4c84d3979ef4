package dev.halftone.format;

import dev.halftone.error.InputException;
import dev.halftone.kernel.Kernels;
import dev.halftone.kernel.LevelColumns;
import dev.halftone.kernel.Levels;

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
public record IntGroup(int bits, int group, GridMode mode, ScaleType scale, int rows, boolean reordered)
        implements NumberFormat {
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

    @Override
    public IntGroup withReordered(boolean stored) {
        return new IntGroup(bits, group, mode, scale, rows, stored);
    }

    @Override
    public IntGroup withGroup(int inputs) {
        return new IntGroup(bits, inputs, mode, scale, rows, reordered);
    }

    @Override
    public boolean symmetric() {
        return mode.symmetric();
    }

    /** Smallest code. */
    public int lowest() {
        return mode == GridMode.SYM || mode == GridMode.TERNARY ? 1 : 0;
    }

    @Override
    public int middle() {
        return symmetric() && mode != GridMode.BINARY ? 1 << (bits - 1) : 0;
    }

    @Override
    public int zeroBytes(int in) {
        return mode == GridMode.ASYM ? Math.ceilDiv(groups(in) * bits, 8) : 0;
    }

    @Override
    public int minimumBytes(int in) {
        return mode == GridMode.AFFINE ? scaleBytes(in) : 0;
    }

    @Override
    public int unitBytes() {
        return scale.hasUnit() ? Float.BYTES : 0;
    }

    @Override
    public FittedGrid grid(ClipSearch search, float unit) {
        return new GroupGrid(this, search, unit);
    }

    @Override
    public int code(float w, float scale, float offset, int zero) {
        return mode == GridMode.BINARY ? GridMode.sign(w) : Levels.code(w, scale, offset, zero, lowest(), largest());
    }

    @Override
    public LevelColumns columns(int count) {
        return LevelColumns.of(count, lowest(), largest());
    }

    @Override
    public void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length) {
        if (mode == GridMode.BINARY) {
            NumberFormat.super.round(w, at, levels, from, codes, length);
        } else {
            Kernels.best().round(w, at, levels, from, codes, length);
        }
    }

    @Override
    public float value(int code, float scale, float offset, int zero) {
        return Levels.value(code, scale, offset, zero);
    }

    @Override
    public float offset(float scale, float minimum) {
        return mode.offset(scale, minimum);
    }

    /**
     * What the scales of a weight are multiples of: 1, or for short scale types a number that puts the largest scale a grid can
     * have, twice that of the values as they are, at the end of the type.
     */
    @Override
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

    /** "int3 g64 asymmetric". */
    @Override
    public String label() {
        StringBuilder label = new StringBuilder();
        label.append(bits == mode.mostBits() && bits < 8 ? "" : "int" + bits + " ");
        label.append(
                switch (mode) {
                    case ASYM, SYM_WIDE -> "";
                    default -> mode.title() + " ";
                });
        label.append(granularity());
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
