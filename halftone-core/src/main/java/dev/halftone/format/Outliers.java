package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * FP16 numbers that are added to the dense values of a weight (out, in): differences, so that a reader multiplies the dense codes as if
 * there were no outliers and adds the sparse product. What a code under an outlier stands for does not matter.
 *
 * <ul>
 *   <li>{@link Placement#WEIGHTS}: compressed sparse rows. {@code outlier_counts} U16 (out), how many a row has; {@code
 *       outlier_inputs} U16 (n), their inputs, ascending in each row; {@code outlier_values} F16 (n). Counts take the place of the
 *       usual 32-bit offsets: half the bytes, and a running sum gives the offsets.
 *   <li>{@link Placement#COLUMNS}: whole columns. {@code outlier_inputs} U16 (k), ascending; {@code outlier_values} F16 (out, k).
 * </ul>
 */
public final class Outliers {
    /** Inputs that 16 bits can number. */
    public static final int MOST_INPUTS = 1 << 16;

    static final String COUNTS = ".outlier_counts";
    static final String INPUTS = ".outlier_inputs";
    static final String VALUES = ".outlier_values";

    private static final float LARGEST = 65504;
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Where outliers may be. */
    public enum Placement {
        /** Anywhere. */
        WEIGHTS,
        /** In all rows of some columns. */
        COLUMNS;

        /** The name in files and reports. */
        public String title() {
            return name().toLowerCase(Locale.ROOT);
        }

        static Optional<Placement> titled(String title) {
            return Arrays.stream(values())
                    .filter(placement -> placement.title().equals(title))
                    .findFirst();
        }
    }

    private final Placement placement;
    private final int out;
    private final MemorySegment counts;
    private final MemorySegment inputs;
    private final MemorySegment values;

    /** WEIGHTS: where each row begins, and the end of the last (out + 1). */
    private final int[] starts;

    private Outliers(
            Placement placement, int out, int in, MemorySegment counts, MemorySegment inputs, MemorySegment values) {
        this.placement = placement;
        this.out = out;
        this.counts = counts;
        this.inputs = inputs;
        this.values = values;
        boolean weights = placement == Placement.WEIGHTS;
        this.starts = new int[weights ? out + 1 : 2];
        expect(COUNTS, counts.byteSize(), weights ? (long) out * Short.BYTES : 0);
        for (int row = 0; row < out && weights; row++) {
            starts[row + 1] = starts[row] + unsigned(counts, row);
        }
        starts[starts.length - 1] = weights ? starts[out] : (int) (inputs.byteSize() / Short.BYTES);
        expect(INPUTS, inputs.byteSize(), (long) starts[starts.length - 1] * Short.BYTES);
        expect(VALUES, values.byteSize(), (long) starts[starts.length - 1] * Short.BYTES * (weights ? 1 : out));
        for (int row = 0; row < starts.length - 1; row++) {
            int last = -1;
            for (int i = starts[row]; i < starts[row + 1]; i++) {
                int input = unsigned(inputs, i);
                if (input <= last || input >= in) {
                    throw broken(INPUTS, "input %d after %d of %d".formatted(input, last, in));
                }
                last = input;
            }
        }
    }

    private static void expect(String part, long found, long expected) {
        if (found != expected) {
            throw broken(part, "%d bytes; expected %d".formatted(found, expected));
        }
    }

    private static InputException broken(String place, String finding) {
        return new InputException("HT-404", place, finding, "quantize the model again");
    }

    private static int unsigned(MemorySegment numbers, int index) {
        return numbers.get(SHORT, 2L * index) & 0xFFFF;
    }

    /** A difference as it is stored. */
    public static float stored(float difference) {
        return Float.float16ToFloat(half(difference));
    }

    private static short half(float difference) {
        return Float.floatToFloat16(Math.clamp(difference, -LARGEST, LARGEST));
    }

    /**
     * Outliers anywhere.
     *
     * @param inputs of each row, ascending
     * @param differences beside them
     */
    public static Outliers ofWeights(int in, int[][] inputs, float[][] differences) {
        checkWidth(in);
        int total = Arrays.stream(inputs).mapToInt(row -> row.length).sum();
        MemorySegment counts = shorts(inputs.length);
        MemorySegment columns = shorts(total);
        MemorySegment numbers = shorts(total);
        int at = 0;
        for (int row = 0; row < inputs.length; row++) {
            counts.set(SHORT, 2L * row, (short) inputs[row].length);
            for (int i = 0; i < inputs[row].length; i++) {
                columns.set(SHORT, 2L * at, (short) inputs[row][i]);
                numbers.set(SHORT, 2L * at++, half(differences[row][i]));
            }
        }
        return new Outliers(Placement.WEIGHTS, inputs.length, in, counts, columns, numbers);
    }

    /**
     * Outlier columns.
     *
     * @param inputs ascending
     * @param differences (out, inputs)
     */
    public static Outliers ofColumns(int out, int in, int[] inputs, float[] differences) {
        checkWidth(in);
        MemorySegment columns = shorts(inputs.length);
        for (int i = 0; i < inputs.length; i++) {
            columns.set(SHORT, 2L * i, (short) inputs[i]);
        }
        MemorySegment numbers = shorts(differences.length);
        for (int i = 0; i < differences.length; i++) {
            numbers.set(SHORT, 2L * i, half(differences[i]));
        }
        return new Outliers(Placement.COLUMNS, out, in, MemorySegment.NULL, columns, numbers);
    }

    private static void checkWidth(int in) {
        if (in >= MOST_INPUTS) {
            throw new InputException(
                    "HT-720",
                    "outliers",
                    "a weight of %d inputs; outliers are numbered with 16 bits".formatted(in),
                    "leave this weight out by targets, or quantize it without outliers");
        }
    }

    private static MemorySegment shorts(int count) {
        return MemorySegment.ofArray(new byte[Math.multiplyExact(count, Short.BYTES)]);
    }

    Placement placement() {
        return placement;
    }

    int out() {
        return out;
    }

    /** How many numbers there are. */
    public int count() {
        return (int) (values.byteSize() / Short.BYTES);
    }

    long byteSize() {
        return counts.byteSize() + inputs.byteSize() + values.byteSize();
    }

    /** Adds the outliers of a row to its dense values, which begin at {@code at}. */
    public void add(int row, float[] target, int at) {
        boolean weights = placement == Placement.WEIGHTS;
        int first = weights ? starts[row] : 0;
        int last = weights ? starts[row + 1] : starts[1];
        int base = weights ? 0 : row * last;
        for (int i = first; i < last; i++) {
            float difference = Float.float16ToFloat(values.get(SHORT, 2L * (base + i)));
            target[at + unsigned(inputs, i)] += difference;
        }
    }

    List<StoredPart> parts(String weight) {
        long n = inputs.byteSize() / Short.BYTES;
        StoredPart columns = new StoredPart(weight + INPUTS, SafetensorsDtype.U16, new long[] {n}, inputs);
        return switch (placement) {
            case WEIGHTS ->
                List.of(
                        new StoredPart(weight + COUNTS, SafetensorsDtype.U16, new long[] {out}, counts),
                        columns,
                        new StoredPart(weight + VALUES, SafetensorsDtype.F16, new long[] {n}, values));
            case COLUMNS ->
                List.of(columns, new StoredPart(weight + VALUES, SafetensorsDtype.F16, new long[] {out, n}, values));
        };
    }

    /** The outliers of a weight (out, in) as they lie in a checkpoint. */
    static Outliers read(Checkpoint checkpoint, String weight, Placement placement, int out, int in) {
        MemorySegment counts = placement == Placement.WEIGHTS
                ? bytes(checkpoint, weight + COUNTS, SafetensorsDtype.U16)
                : MemorySegment.NULL;
        MemorySegment inputs = bytes(checkpoint, weight + INPUTS, SafetensorsDtype.U16);
        MemorySegment values = bytes(checkpoint, weight + VALUES, SafetensorsDtype.F16);
        try {
            return new Outliers(placement, out, in, counts, inputs, values);
        } catch (InputException e) {
            throw e.at(weight);
        }
    }

    private static MemorySegment bytes(Checkpoint checkpoint, String name, SafetensorsDtype type) {
        StoredTensor tensor = checkpoint.tensor(name);
        if (!tensor.type().equals(type.name())) {
            throw broken(name, "%s; expected %s".formatted(tensor.type(), type));
        }
        return tensor.bytes();
    }
}
