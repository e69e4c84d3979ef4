package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Scales or minima of a matrix: a number for each row and each <em>part</em> of it, which is a block of 32 columns or half of one. */
sealed interface Plane permits Plane.Halves, Plane.Floats, Plane.Products {
    /** Bytes that one pass reads. */
    long bytes();

    /** Numbers of parts [from, from + count) of a tile: out[32 i + r]. */
    void widen(TileKernels kernels, int tile, int from, int count, float[] out);

    /** One number. */
    float get(int row, int part);

    /**
     * FP16 numbers (tiles, lines, 32) times a power of two.
     *
     * @param repeat parts that have a line in common
     */
    record Halves(MemorySegment numbers, int lines, int repeat, float factor) implements Plane {
        @Override
        public long bytes() {
            return numbers.byteSize();
        }

        @Override
        public void widen(TileKernels kernels, int tile, int from, int count, float[] out) {
            long at = (long) tile * lines * (TILE * Short.BYTES);
            kernels.widenHalves(numbers, at, repeat, factor, from, count, out);
        }

        @Override
        public float get(int row, int part) {
            return Float.float16ToFloat(numbers.getAtIndex(ValueLayout.JAVA_SHORT, index(lines, row, part / repeat)))
                    * factor;
        }
    }

    /** float32 numbers (tiles, lines, 32). */
    record Floats(MemorySegment numbers, int lines, int repeat) implements Plane {
        @Override
        public long bytes() {
            return numbers.byteSize();
        }

        @Override
        public void widen(TileKernels kernels, int tile, int from, int count, float[] out) {
            kernels.widenFloats(numbers, (long) tile * lines * (TILE * Float.BYTES), repeat, from, count, out);
        }

        @Override
        public float get(int row, int part) {
            return numbers.getAtIndex(ValueLayout.JAVA_FLOAT, index(lines, row, part / repeat));
        }
    }

    /** Numbers of another plane times signed bytes (tiles, parts, 32). */
    record Products(Plane numbers, MemorySegment factors, int parts) implements Plane {
        @Override
        public long bytes() {
            return numbers.bytes() + factors.byteSize();
        }

        @Override
        public void widen(TileKernels kernels, int tile, int from, int count, float[] out) {
            numbers.widen(kernels, tile, from, count, out);
            kernels.scaleByBytes(factors, ((long) tile * parts + from) * TILE, count * TILE, out);
        }

        @Override
        public float get(int row, int part) {
            return numbers.get(row, part) * factors.get(ValueLayout.JAVA_BYTE, index(parts, row, part));
        }
    }

    /** Where the number of a row and a line is. */
    static long index(int lines, int row, int line) {
        return ((long) (row / TILE) * lines + line) * TILE + row % TILE;
    }

    /**
     * Stores numbers (tiles, lines, 32), which are FP16 numbers in float32 where {@code halves} says so, as compactly as goes without
     * loss.
     */
    static Plane of(float[] numbers, int lines, int repeat, Arena arena) {
        int shift = halfShift(numbers);
        if (shift < 0) {
            MemorySegment floats = arena.allocate((long) numbers.length * Float.BYTES, Layouts.ALIGNMENT);
            MemorySegment.copy(numbers, 0, floats, ValueLayout.JAVA_FLOAT, 0, numbers.length);
            return new Floats(floats, lines, repeat);
        }
        float up = Math.scalb(1f, shift);
        MemorySegment halves = arena.allocate((long) numbers.length * Short.BYTES, Layouts.ALIGNMENT);
        for (int i = 0; i < numbers.length; i++) {
            halves.setAtIndex(ValueLayout.JAVA_SHORT, i, Float.floatToFloat16(numbers[i] * up));
        }
        return new Halves(halves, lines, repeat, 1 / up);
    }

    /**
     * The largest k such that 2^k times each number is an FP16 number, or -1 if there is none: then FP16 numbers are as far from the
     * subnormal ones, on which processors are slow, as can be.
     */
    private static int halfShift(float[] numbers) {
        float largest = 0;
        for (float number : numbers) {
            largest = Math.max(largest, Math.abs(number));
        }
        if (!(largest <= 65504)) {
            return -1;
        }
        int shift = largest == 0 ? 0 : 15 - Math.getExponent(largest);
        float up = Math.scalb(1f, shift);
        for (float number : numbers) {
            float half = number * up;
            if (Float.float16ToFloat(Float.floatToFloat16(half)) != half || half / up != number) {
                return -1;
            }
        }
        return shift;
    }
}
