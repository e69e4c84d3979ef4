package dev.halftone.format;

import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * A weight as it is stored. Each part is row-major with rows padded to whole bytes, little-endian, and empty where the format has
 * no use for it; a row of scales serves {@link NumberFormat#rowsIn} rows of codes:
 *
 * <ul>
 *   <li>codes: (out, ceil(in * bits / 8)) bytes; code j of a row occupies bits j*bits .. j*bits + bits - 1, counted from the
 *       lowest bit of the row's first byte
 *   <li>scales: (tiles, groups) of {@link NumberFormat#scale}
 *   <li>zeros: (tiles, ceil(groups * bits / 8)) bytes, packed like codes
 *   <li>minima: (tiles, groups) of the scales' type
 *   <li>unit: one FP32 number that the scales are multiples of
 *   <li>groupOf: (in) unsigned 16-bit numbers, the group of each input; without it, input j belongs to group j / group size
 * </ul>
 */
public record PackedWeight(
        NumberFormat format,
        int out,
        int in,
        MemorySegment codes,
        MemorySegment scales,
        MemorySegment zeros,
        MemorySegment minima,
        MemorySegment unit,
        MemorySegment groupOf)
        implements StoredWeight {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    public PackedWeight {
        if (!format.divides(in)) {
            throw new InputException(
                    "HT-404", "codes", "%d inputs do not fit %s".formatted(in, format.label()), "choose another group");
        }
        int tiles = format.tiles(out);
        check(codes.byteSize(), (long) out * format.codeBytes(in), "codes");
        check(scales.byteSize(), (long) tiles * format.scaleBytes(in), "scales");
        check(zeros.byteSize(), (long) tiles * format.zeroBytes(in), "zeros");
        check(minima.byteSize(), (long) tiles * format.minimumBytes(in), "minima");
        check(unit.byteSize(), format.unitBytes(), "unit");
        check(groupOf.byteSize(), format.indexBytes(in), "g_idx");
        for (int j = 0; j < groupOf.byteSize() / Short.BYTES; j++) {
            int group = groupOf.get(SHORT, 2L * j) & 0xFFFF;
            if (group >= format.groups(in)) {
                throw new InputException(
                        "HT-404",
                        "g_idx",
                        "input %d is in group %d; there are %d".formatted(j, group, format.groups(in)),
                        "quantize the model again");
            }
        }
    }

    /** A weight of codes, scales and zero points alone. */
    public PackedWeight(
            NumberFormat format, int out, int in, MemorySegment codes, MemorySegment scales, MemorySegment zeros) {
        this(format, out, in, codes, scales, zeros, MemorySegment.NULL, MemorySegment.NULL, MemorySegment.NULL);
    }

    private static void check(long found, long expected, String part) {
        if (found != expected) {
            throw new InputException(
                    "HT-404", part, "%d bytes; expected %d".formatted(found, expected), "quantize the model again");
        }
    }

    /** Packs codes and grids. */
    public static PackedWeight of(NumberFormat format, int out, int in, GridCodes grids) {
        int groups = format.groups(in);
        int tiles = format.tiles(out);
        byte[] codes = new byte[Math.multiplyExact(out, format.codeBytes(in))];
        byte[] zeros = new byte[tiles * format.zeroBytes(in)];
        for (int i = 0; i < out; i++) {
            BitStream.putAll(grids.codes(), i * in, in, format.bits(), codes, i * format.codeBytes(in));
        }
        for (int t = 0; t < tiles && zeros.length > 0; t++) {
            BitStream.putAll(grids.zeros(), t * groups, groups, format.bits(), zeros, t * format.zeroBytes(in));
        }
        MemorySegment groupOf = empty(format.indexBytes(in));
        for (int j = 0; j < groupOf.byteSize() / Short.BYTES; j++) {
            groupOf.set(SHORT, 2L * j, (short) grids.groupOf()[j]);
        }
        MemorySegment unit = empty(format.unitBytes());
        if (unit.byteSize() > 0) {
            ScaleType.F32.write(unit, 0, grids.unit());
        }
        return new PackedWeight(
                format,
                out,
                in,
                MemorySegment.ofArray(codes),
                scales(format, grids.scales(), grids.unit(), tiles * format.scaleBytes(in)),
                MemorySegment.ofArray(zeros),
                scales(format, grids.minima(), 1, tiles * format.minimumBytes(in)),
                unit,
                groupOf);
    }

    private static MemorySegment empty(int bytes) {
        return MemorySegment.ofArray(new byte[bytes]);
    }

    private static MemorySegment scales(NumberFormat format, float[] values, float unit, int bytes) {
        MemorySegment stored = empty(bytes);
        for (int i = 0; i < bytes / format.scale().bytes(); i++) {
            // A multiple of the unit was rounded to float32: the nearest number of the type is the factor it was made
            // of.
            format.scale().write(stored, i, format.scale().nearestFinite(values[i] / unit));
        }
        return stored;
    }

    /** The code of a weight. */
    public int code(int row, int input) {
        return code(codes, (long) row * format.codeBytes(in), input);
    }

    /** The scale of a group of a row as it is stored: without the unit. */
    public float storedScale(int row, int group) {
        return format.scale().read(scales, (long) (row / format.rowsIn(out)) * format.groups(in) + group);
    }

    /** The zero point of a group of a row. */
    public int storedZero(int row, int group) {
        long tile = row / format.rowsIn(out);
        return zeros.byteSize() == 0 ? format.middle() : code(zeros, tile * format.zeroBytes(in), group);
    }

    /** The group of an input. */
    public int groupOf(int input) {
        return groupOf.byteSize() == 0 ? input / format.groupIn(in) : groupOf.get(SHORT, 2L * input) & 0xFFFF;
    }

    /** What scales are multiples of. */
    public float multiple() {
        return unit.byteSize() == 0 ? 1 : ScaleType.F32.read(unit, 0);
    }

    /** The minimum of a group of a row as it is stored; formats that have minima. */
    public float storedMinimum(int row, int group) {
        return format.scale().read(minima, (long) row / format.rowsIn(out) * format.groups(in) + group);
    }

    /** What a code of a group of a row stands for. */
    public float value(int row, int group, int code) {
        int groups = format.groups(in);
        int tile = row / format.rowsIn(out);
        return grid((long) tile * groups + group, tile * (long) format.zeroBytes(in), group, multiple())
                .value(format, code);
    }

    /** The same grids with other codes (out, in). */
    public PackedWeight withCodes(byte[] other) {
        byte[] packed = new byte[Math.multiplyExact(out, format.codeBytes(in))];
        for (int i = 0; i < out; i++) {
            BitStream.putAll(other, i * in, in, format.bits(), packed, i * format.codeBytes(in));
        }
        return new PackedWeight(format, out, in, MemorySegment.ofArray(packed), scales, zeros, minima, unit, groupOf);
    }

    /** What a code stands for, with the numbers of its group. */
    public float value(int row, int input) {
        int g = groupOf(input);
        long tile = row / format.rowsIn(out);
        return grid(tile * format.groups(in) + g, tile * format.zeroBytes(in), g, multiple())
                .value(format, code(row, input));
    }

    @Override
    public List<StoredPart> parts(String weight) {
        return PackedLayout.parts(weight, this);
    }

    @Override
    public long byteSize() {
        return codes.byteSize()
                + scales.byteSize()
                + zeros.byteSize()
                + minima.byteSize()
                + unit.byteSize()
                + groupOf.byteSize();
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        int groups = format.groups(in);
        int perGroup = format.groupIn(in);
        int tile = row / format.rowsIn(out);
        long zeroRow = (long) tile * format.zeroBytes(in);
        float multiple = multiple();
        if (groupOf.byteSize() > 0) {
            decodeReordered(row, multiple, target, at);
            return;
        }
        byte[] rowCodes = codes(row);
        // Where a group has more inputs than there are codes, each code's value is computed once.
        float[] table = new float[format.largest() < perGroup ? format.largest() + 1 : 0];
        for (int g = 0; g < groups; g++) {
            Grid grid = grid((long) tile * groups + g, zeroRow, g, multiple);
            for (int code = 0; code < table.length; code++) {
                table[code] = grid.value(format, code);
            }
            for (int j = g * perGroup; j < (g + 1) * perGroup; j++) {
                int code = rowCodes[j] & 0xff;
                target[at + j] = code < table.length ? table[code] : grid.value(format, code);
            }
        }
    }

    /** The codes of a row. */
    private byte[] codes(int row) {
        byte[] packed = new byte[format.codeBytes(in)];
        MemorySegment.copy(codes, ValueLayout.JAVA_BYTE, (long) row * packed.length, packed, 0, packed.length);
        byte[] unpacked = new byte[in];
        BitStream.getAll(packed, 0, in, format.bits(), unpacked);
        return unpacked;
    }

    private void decodeReordered(int row, float multiple, float[] target, int at) {
        int groups = format.groups(in);
        Grid[] grids = new Grid[groups];
        for (int g = 0; g < groups; g++) {
            grids[g] = grid((long) row * groups + g, (long) row * format.zeroBytes(in), g, multiple);
        }
        byte[] rowCodes = codes(row);
        for (int j = 0; j < in; j++) {
            int g = groupOf.get(SHORT, 2L * j) & 0xFFFF;
            target[at + j] = grids[g].value(format, rowCodes[j] & 0xff);
        }
    }

    /** What a group's codes are multiplied by, and shifted by. */
    private record Grid(float scale, float offset, int zero) {
        float value(NumberFormat format, int code) {
            return format.value(code, scale, offset, zero);
        }
    }

    private Grid grid(long index, long zeroRow, int g, float multiple) {
        float scale = multiple * format.scale().read(scales, index);
        float minimum = minima.byteSize() == 0 ? 0 : format.scale().read(minima, index);
        int zero = zeros.byteSize() == 0 ? format.middle() : code(zeros, zeroRow, g);
        return new Grid(scale, format.offset(scale, minimum), zero);
    }

    private int code(MemorySegment packed, long rowStart, int index) {
        return BitStream.get(packed, 8 * rowStart + (long) index * format.bits(), format.bits());
    }
}
