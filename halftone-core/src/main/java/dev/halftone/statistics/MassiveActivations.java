package dev.halftone.statistics;

import dev.halftone.statistics.TopValues.Entry;
import java.util.List;

/**
 * Massive activations of a block's residual stream: |x| above {@link #MAGNITUDE} and {@link #RATIO} times the median of |x| in the
 * state of its sequence. Small models never reach the first, so values that pass the second alone are counted too.
 *
 * <p>Source: Sun et al., arXiv:2402.17762, section 2, and the repository locuslab/massive-activations. Deviation: the median is
 * the log histogram's, right to 6 %.
 *
 * @param largest sums over the sequences of the largest, second and third largest |x|
 * @param median sum over the sequences of the median of |x|
 * @param massive values that pass both tests
 * @param relative values that pass the second
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record MassiveActivations(long sequences, double[] largest, double median, long massive, long relative) {
    public static final double MAGNITUDE = 100;
    public static final double RATIO = 1000;
    private static final int LARGEST = 3;

    static MassiveActivations empty() {
        return new MassiveActivations(0, new double[LARGEST], 0, 0, 0);
    }

    /** Of one sequence's state, the first {@code length} values of x, whose accumulator is {@code state}. */
    static MassiveActivations of(float[] x, int length, Accumulator state) {
        List<Entry> top = state.top().entries();
        double[] largest = new double[LARGEST];
        for (int i = 0; i < Math.min(LARGEST, top.size()); i++) {
            largest[i] = Math.abs(top.get(i).value());
        }
        double median = state.histogram().quantile(0.5, largest[0]);
        long massive = 0;
        long relative = 0;
        if (median > 0 && largest[0] >= RATIO * median) {
            for (int i = 0; i < length; i++) {
                float magnitude = Math.abs(x[i]);
                if (magnitude >= RATIO * median && magnitude < Float.POSITIVE_INFINITY) {
                    relative++;
                    massive += magnitude > MAGNITUDE ? 1 : 0;
                }
            }
        }
        return new MassiveActivations(1, largest, median, massive, relative);
    }

    MassiveActivations merged(MassiveActivations other) {
        double[] sums = new double[LARGEST];
        for (int i = 0; i < LARGEST; i++) {
            sums[i] = largest[i] + other.largest[i];
        }
        return new MassiveActivations(
                sequences + other.sequences,
                sums,
                median + other.median,
                massive + other.massive,
                relative + other.relative);
    }

    /** Mean over the sequences of the largest |x|, the second, the third ({@code rank} 0 to 2). */
    public double meanLargest(int rank) {
        return sequences == 0 ? 0 : largest[rank] / sequences;
    }

    /** Mean over the sequences of the median of |x|. */
    public double meanMedian() {
        return sequences == 0 ? 0 : median / sequences;
    }

    double[] toArray() {
        return new double[] {sequences, largest[0], largest[1], largest[2], median, massive, relative};
    }

    static MassiveActivations of(double[] all) {
        return new MassiveActivations(
                (long) all[0], new double[] {all[1], all[2], all[3]}, all[4], (long) all[5], (long) all[6]);
    }
}
