package dev.halftone.format;

import dev.halftone.kernel.LevelColumns;

/**
 * A scalar number format of a weight: a grid, what shares a scale, and how both are stored. A group is {@link #rows} outputs by
 * {@link #group} consecutive inputs.
 */
public sealed interface NumberFormat extends StoredFormat permits IntGroup, LevelGroup {
    /** A group as long as the row. */
    int ROW = -1;

    /** A tile as high as the weight. */
    int ALL_ROWS = -1;

    /** Bits per code, 1 to 8. */
    int bits();

    /** Inputs per scale; {@link #ROW} for all of them. */
    int group();

    /** Outputs per scale, the last tile may have fewer; {@link #ALL_ROWS} for one row of tiles. */
    int rows();

    /** What scales are stored as. */
    ScaleType scale();

    /** True if groups are any inputs, not consecutive ones: the group of each input is stored, 16 bits. */
    boolean reordered();

    /** The same with inputs in any order, or in their own. */
    NumberFormat withReordered(boolean stored);

    /** The same with other groups in the row. */
    NumberFormat withGroup(int inputs);

    /** True if a group needs nothing but its scale. */
    boolean symmetric();

    /** Largest code. */
    default int largest() {
        return (1 << bits()) - 1;
    }

    /** The zero point of a group that stores none. */
    int middle();

    /** The grid of one group, to be fitted. {@code unit}: what scales are multiples of. */
    FittedGrid grid(ClipSearch search, float unit);

    /** The code of a value on the grid of a group. */
    int code(float w, float scale, float offset, int zero);

    /** What a code stands for: what is computed when a packed weight is read. */
    float value(int code, float scale, float offset, int zero);

    /** Room for the levels of that many values, which {@link #round} wants. */
    default LevelColumns columns(int count) {
        return LevelColumns.of(count, 0, largest());
    }

    /**
     * Rounds values on grids of their own: codes as of {@link #code}, and in the place of each value what its code stands for.
     *
     * @param levels from {@code from} on, one for each value
     * @param codes from the first place on
     */
    default void round(float[] w, int at, LevelColumns levels, int from, int[] codes, int length) {
        for (int i = 0; i < length; i++) {
            float scale = levels.scales()[from + i];
            float offset = levels.offsets()[from + i];
            int zero = (int) levels.zeros()[from + i];
            codes[i] = code(w[at + i], scale, offset, zero);
            w[at + i] = value(codes[i], scale, offset, zero);
        }
    }

    /** What a group's values have beside the multiples of its scale. {@code minimum}: as stored; 0 if there is none. */
    float offset(float scale, float minimum);

    /** What the scales of a weight are multiples of; 1 for most. */
    float unit(float[] w);

    /** Inputs per group in a row of that many inputs. */
    default int groupIn(int in) {
        return group() == ROW ? in : group();
    }

    /** Groups in a row of that many inputs, which the group must divide. */
    default int groups(int in) {
        return in / groupIn(in);
    }

    /** Outputs per scale in a weight of that many outputs. */
    default int rowsIn(int out) {
        return rows() == ALL_ROWS ? out : rows();
    }

    /** Rows of scales. */
    default int tiles(int out) {
        return Math.ceilDiv(out, rowsIn(out));
    }

    /** True if rows of that many inputs split into whole groups and whole bytes. */
    default boolean divides(int in) {
        return in % groupIn(in) == 0 && (long) in * bits() % 8 == 0 && (!reordered() || groups(in) <= 1 << 16);
    }

    /** Stored bits per weight, scales, zeros and the padding of both included. */
    default double bitsPerWeight(int out, int in) {
        long scales = (long) tiles(out) * (scaleBytes(in) + zeroBytes(in) + minimumBytes(in));
        long bytes = (long) out * codeBytes(in) + scales + unitBytes() + indexBytes(in);
        return 8.0 * bytes / ((double) out * in);
    }

    /** Bytes of the codes of one row. */
    default int codeBytes(int in) {
        return Math.ceilDiv(in * bits(), 8);
    }

    /** Bytes of one row of scales. */
    default int scaleBytes(int in) {
        return groups(in) * scale().bytes();
    }

    /** Bytes of the zero points of one row of scales; none if symmetric. */
    default int zeroBytes(int in) {
        return 0;
    }

    /** Bytes of the minima of one row of scales. */
    default int minimumBytes(int in) {
        return 0;
    }

    /** Bytes of the number that scales are multiples of. */
    int unitBytes();

    /** Bytes of the group of each input. */
    default int indexBytes(int in) {
        return reordered() ? in * Short.BYTES : 0;
    }

    /** "per row", "g64", "tiles of 128x128", "per tensor". */
    default String granularity() {
        if (rows() != 1) {
            return rows() == ALL_ROWS && group() == ROW ? "per tensor" : "tiles of " + rows() + "x" + group();
        }
        return group() == ROW ? "per row" : "g" + group();
    }
}
