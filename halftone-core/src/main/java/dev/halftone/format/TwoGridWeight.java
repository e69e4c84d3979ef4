package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * A weight with a second grid for the outliers of each group.
 *
 * <ul>
 *   <li>the tensors of {@code dense}: all codes, and the grids of what is no outlier
 *   <li>{@code outlier_scales}, {@code outlier_minima} F16 (out, groups): the outliers' grids; minima only in mode affine
 *   <li>{@code outlier_counts} U8 (out, groups)
 *   <li>{@code outlier_places} U8 (bytes): places in their groups, ceil(log2 group) bits each, row by row without gaps
 * </ul>
 *
 * @param places in that stream
 */
public record TwoGridWeight(
        PackedWeight dense, MemorySegment scales, MemorySegment minima, MemorySegment counts, MemorySegment places)
        implements StoredWeight {
    static final String OUTLIER_SCALES = ".outlier_scales";
    static final String OUTLIER_MINIMA = ".outlier_minima";
    static final String OUTLIER_COUNTS = ".outlier_counts";
    static final String OUTLIER_PLACES = ".outlier_places";

    public TwoGridWeight {
        IntGroup grid = format(dense).grid();
        int grids = dense.out() * grid.groups(dense.in());
        check(OUTLIER_SCALES, scales, 2L * grids);
        check(OUTLIER_MINIMA, minima, grid.mode() == GridMode.AFFINE ? 2L * grids : 0);
        check(OUTLIER_COUNTS, counts, grids);
        long outliers = 0;
        for (int i = 0; i < grids; i++) {
            outliers += counts.get(ValueLayout.JAVA_BYTE, i) & 0xFF;
        }
        check(OUTLIER_PLACES, places, Math.ceilDiv(outliers * format(dense).placeBits(), 8L));
    }

    private static void check(String part, MemorySegment bytes, long expected) {
        if (bytes.byteSize() != expected) {
            throw new InputException(
                    "HT-404",
                    part,
                    "%d bytes; expected %d".formatted(bytes.byteSize(), expected),
                    "quantize the model again");
        }
    }

    private static TwoGridGroup format(PackedWeight dense) {
        if (!(dense.format() instanceof IntGroup grid)) {
            throw new IllegalArgumentException("two grids of " + dense.format().label());
        }
        return new TwoGridGroup(grid);
    }

    /**
     * Packs grids and places.
     *
     * @param scales (out, groups), numbers that FP16 has; minima likewise, ignored in mode sym
     * @param outlier (out, in)
     */
    public static TwoGridWeight of(PackedWeight dense, float[] scales, float[] minima, boolean[] outlier) {
        TwoGridGroup format = format(dense);
        int group = format.grid().group();
        byte[] counts = new byte[scales.length];
        int total = 0;
        for (boolean one : outlier) {
            total += one ? 1 : 0;
        }
        byte[] places = new byte[Math.ceilDiv(total * format.placeBits(), 8)];
        long bit = 0;
        for (int i = 0; i < outlier.length; i++) {
            if (outlier[i]) {
                counts[i / group]++;
                BitStream.put(places, bit, i % group, format.placeBits());
                bit += format.placeBits();
            }
        }
        boolean affine = format.grid().mode() == GridMode.AFFINE;
        return new TwoGridWeight(
                dense,
                halves(scales),
                halves(affine ? minima : new float[0]),
                MemorySegment.ofArray(counts),
                MemorySegment.ofArray(places));
    }

    private static MemorySegment halves(float[] values) {
        MemorySegment stored = MemorySegment.ofArray(new byte[values.length * Short.BYTES]);
        for (int i = 0; i < values.length; i++) {
            ScaleType.F16.write(stored, i, values[i]);
        }
        return stored;
    }

    @Override
    public TwoGridGroup format() {
        return format(dense);
    }

    @Override
    public int out() {
        return dense.out();
    }

    @Override
    public int in() {
        return dense.in();
    }

    @Override
    public long byteSize() {
        return dense.byteSize() + scales.byteSize() + minima.byteSize() + counts.byteSize() + places.byteSize();
    }

    private int count(int grid) {
        return counts.get(ValueLayout.JAVA_BYTE, grid) & 0xFF;
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        int groups = in() / format().grid().group();
        long outlier = 0;
        for (int grid = 0; grid < row * groups; grid++) {
            outlier += count(grid);
        }
        decodeRow(row, outlier, target, at);
    }

    /** @param outlier number of the row's first outlier */
    private long decodeRow(int row, long outlier, float[] target, int at) {
        TwoGridGroup format = format();
        IntGroup grid = format.grid();
        int groups = grid.groups(in());
        dense.decodeRow(row, target, at);
        long next = outlier;
        for (int g = 0; g < groups; g++) {
            int index = row * groups + g;
            float scale = ScaleType.F16.read(scales, index);
            float offset = grid.offset(scale, minima.byteSize() == 0 ? 0 : ScaleType.F16.read(minima, index));
            for (int i = 0; i < count(index); i++) {
                int place = BitStream.get(places, next++ * format.placeBits(), format.placeBits());
                int input = g * grid.group() + place;
                target[at + input] = grid.value(dense.code(row, input), scale, offset, grid.middle());
            }
        }
        return next;
    }

    /** One pass: the place of a row's first outlier is known when the rows before it were read. */
    @Override
    public float[] decode() {
        float[] values = new float[Math.multiplyExact(out(), in())];
        long outlier = 0;
        for (int row = 0; row < out(); row++) {
            outlier = decodeRow(row, outlier, values, row * in());
        }
        return values;
    }

    @Override
    public List<StoredPart> parts(String weight) {
        long[] grids = {out(), in() / format().grid().group()};
        List<StoredPart> parts = new ArrayList<>(dense.parts(weight));
        parts.add(new StoredPart(weight + OUTLIER_SCALES, SafetensorsDtype.F16, grids, scales));
        if (minima.byteSize() > 0) {
            parts.add(new StoredPart(weight + OUTLIER_MINIMA, SafetensorsDtype.F16, grids, minima));
        }
        parts.add(new StoredPart(weight + OUTLIER_COUNTS, SafetensorsDtype.U8, grids, counts));
        if (places.byteSize() > 0) {
            parts.add(new StoredPart(
                    weight + OUTLIER_PLACES, SafetensorsDtype.U8, new long[] {places.byteSize()}, places));
        }
        return parts;
    }
}
