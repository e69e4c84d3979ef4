package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.kernel.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a look at every value of a tensor finds. Memory use does not depend on the size of the tensor.
 *
 * @param elements number of values looked at
 * @param nan how many are NaN
 * @param infinite how many are infinite
 * @param zeroRows how many rows hold zeros only
 * @param zeroGroups how many groups of {@link #GROUP} neighbours in a row hold zeros only, those of zero rows included; 0 where
 *     rows are no multiple of that
 * @param firstNonFiniteRow the lowest row with a NaN or an infinity, -1 if there is none
 * @param firstZeroRow the lowest row of zeros, -1 if there is none
 * @param min smallest finite value; NaN if there is none
 * @param max largest finite value; NaN if there is none
 */
public record TensorHealth(
        long elements,
        long nan,
        long infinite,
        long zeroRows,
        long zeroGroups,
        long firstNonFiniteRow,
        long firstZeroRow,
        float min,
        float max) {

    /** Values of a group: the smallest that quantization formats share a scale in. */
    public static final int GROUP = 32;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    /** True if every value is finite. */
    public boolean finite() {
        return nan == 0 && infinite == 0;
    }

    /**
     * Decodes and looks at all values.
     *
     * @throws dev.halftone.error.InputException HT-218 if the type cannot be decoded
     */
    public static TensorHealth scan(StoredTensor tensor) {
        if (tensor instanceof MappedTensor mapped) {
            Scan scan = new Scan(tensor.columns(), mapped::rowOf);
            mapped.forEachChunk((_, values, count) -> scan.add(values, count));
            return scan.result(tensor.elements());
        }
        Scan scan = new Scan(tensor.columns(), row -> row);
        float[] values = new float[Math.toIntExact(tensor.columns())];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment row = arena.allocate(tensor.columns() * Float.BYTES, Float.BYTES);
            for (long i = 0; tensor.elements() > 0 && i < tensor.rows(); i++) {
                tensor.decode(i, i + 1, row);
                MemorySegment.copy(row, FLOAT, 0, values, 0, values.length);
                scan.add(values, values.length);
            }
        }
        return scan.result(tensor.elements());
    }

    /** The file's row number to the tensor's. */
    @FunctionalInterface
    private interface RowNumbers {
        long rowOf(long fileRow);
    }

    /** Runs over the values in the order of the file; rows may begin and end inside a chunk. */
    private static final class Scan {
        private static final Kernels KERNELS = Kernels.best();
        /** The bits of infinity; those of NaN are above. */
        private static final int INFINITY = 0x7F80_0000;

        private final long columns;
        private final RowNumbers numbers;
        private long row;
        private long column;
        private boolean rowIsZero = true;
        private boolean rowIsFinite = true;
        private long nan;
        private long infinite;
        private long zeroRows;
        private long zeroGroups;
        private final int[] range = new int[3];
        private long firstNonFiniteRow = -1;
        private long firstZeroRow = -1;
        private float min = Float.POSITIVE_INFINITY;
        private float max = Float.NEGATIVE_INFINITY;

        Scan(long columns, RowNumbers numbers) {
            this.columns = columns;
            this.numbers = numbers;
        }

        void add(float[] values, int count) {
            for (int at = 0; at < count; ) {
                int to = (int) Math.min(count, at + columns - column);
                addPart(values, at, to);
                column += to - at;
                at = to;
                if (column == columns) {
                    endRow();
                }
            }
        }

        private void addPart(float[] values, int from, int to) {
            range[0] = 0;
            range[1] = Integer.MAX_VALUE;
            range[2] = Integer.MIN_VALUE;
            zeroGroups += KERNELS.range(values, from, to - from, GROUP, range);
            rowIsZero &= range[0] == 0;
            if (range[0] >= INFINITY) {
                addCarefully(values, from, to);
            } else {
                min = Math.min(min, Float.intBitsToFloat(Kernels.orderedKey(range[1])));
                max = Math.max(max, Float.intBitsToFloat(Kernels.orderedKey(range[2])));
            }
        }

        private void addCarefully(float[] values, int from, int to) {
            for (int i = from; i < to; i++) {
                if (Float.isFinite(values[i])) {
                    min = Math.min(min, values[i]);
                    max = Math.max(max, values[i]);
                    continue;
                }
                rowIsFinite = false;
                if (Float.isNaN(values[i])) {
                    nan++;
                } else {
                    infinite++;
                }
            }
        }

        private void endRow() {
            long number = numbers.rowOf(row);
            if (rowIsZero) {
                zeroRows++;
                firstZeroRow = firstZeroRow < 0 ? number : Math.min(firstZeroRow, number);
            }
            if (!rowIsFinite) {
                firstNonFiniteRow = firstNonFiniteRow < 0 ? number : Math.min(firstNonFiniteRow, number);
            }
            row++;
            column = 0;
            rowIsZero = true;
            rowIsFinite = true;
        }

        TensorHealth result(long elements) {
            boolean any = min <= max;
            return new TensorHealth(
                    elements,
                    nan,
                    infinite,
                    zeroRows,
                    columns % GROUP == 0 ? zeroGroups : 0,
                    firstNonFiniteRow,
                    firstZeroRow,
                    any ? min : Float.NaN,
                    any ? max : Float.NaN);
        }
    }
}
