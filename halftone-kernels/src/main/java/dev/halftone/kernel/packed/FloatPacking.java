package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Brings float weights into the order of {@link FloatMatrix}. FP16 numbers become float32. */
final class FloatPacking {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private FloatPacking() {}

    static FloatMatrix pack(
            TileKernels kernels,
            BlockType type,
            MemorySegment source,
            int rows,
            int columns,
            Arena arena,
            TileLoop loop) {
        boolean brain = type == BlockType.BF16;
        int units = FloatMatrix.units(columns, brain);
        long bytes = (long) Layouts.tiles(rows) * units * TILE * Integer.BYTES;
        MemorySegment weights = arena.allocate(bytes, Layouts.ALIGNMENT);
        loop.forEach(Layouts.tiles(rows), tile -> {
            for (int row = tile * TILE; row < Math.min(rows, (tile + 1) * TILE); row++) {
                long at = row * type.rowBytes(columns);
                for (int unit = 0; unit < units; unit++) {
                    weights.setAtIndex(
                            ValueLayout.JAVA_INT, Plane.index(units, row, unit), unit(type, source, at, unit, columns));
                }
            }
        });
        return new FloatMatrix(kernels, rows, columns, brain, weights);
    }

    private static int unit(BlockType type, MemorySegment source, long at, int unit, int columns) {
        return switch (type) {
            case F32 -> source.get(INT, at + (long) unit * Float.BYTES);
            case F16 ->
                Float.floatToRawIntBits(Float.float16ToFloat(source.get(SHORT, at + (long) unit * Short.BYTES)));
            default -> {
                int even = source.get(SHORT, at + (long) unit * Integer.BYTES) & 0xFFFF;
                int odd =
                        2 * unit + 1 < columns ? source.get(SHORT, at + (long) unit * Integer.BYTES + Short.BYTES) : 0;
                yield even | odd << Short.SIZE;
            }
        };
    }
}
