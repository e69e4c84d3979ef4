package dev.halftone.statistics;

import java.util.Arrays;

/** Largest and mean magnitude at each position of the sequences. */
public final class PositionProfile {
    /** Has no positions: what is added to it is lost. */
    public static final PositionProfile NONE = new PositionProfile(0);

    private final double[] largest;
    private final double[] sumMean;
    private final double[] tokens;

    public PositionProfile(int positions) {
        this(new double[positions], new double[positions], new double[positions]);
    }

    private PositionProfile(double[] largest, double[] sumMean, double[] tokens) {
        this.largest = largest;
        this.sumMean = sumMean;
        this.tokens = tokens;
    }

    void add(int position, double max, double mean) {
        if (position < largest.length) {
            largest[position] = Math.max(largest[position], max);
            sumMean[position] += mean;
            tokens[position]++;
        }
    }

    /** Adds another's, which has no more positions. */
    void merge(PositionProfile other) {
        for (int p = 0; p < other.largest.length; p++) {
            largest[p] = Math.max(largest[p], other.largest[p]);
            sumMean[p] += other.sumMean[p];
            tokens[p] += other.tokens[p];
        }
    }

    /** Both together; neither is changed. */
    static PositionProfile merged(PositionProfile a, PositionProfile b) {
        PositionProfile both = new PositionProfile(Math.max(a.positions(), b.positions()));
        both.merge(a);
        both.merge(b);
        return both;
    }

    public int positions() {
        return largest.length;
    }

    /** max |x| at each position; a copy. */
    public double[] largest() {
        return largest.clone();
    }

    /** Mean |x| at each position over channels and sequences; 0 where no sequence is that long. */
    public double[] mean() {
        double[] mean = new double[sumMean.length];
        Arrays.setAll(mean, p -> tokens[p] == 0 ? 0 : sumMean[p] / tokens[p]);
        return mean;
    }

    /** Three rows of positions: what a file keeps. */
    double[] toArray() {
        int n = largest.length;
        double[] all = new double[3 * n];
        System.arraycopy(largest, 0, all, 0, n);
        System.arraycopy(sumMean, 0, all, n, n);
        System.arraycopy(tokens, 0, all, 2 * n, n);
        return all;
    }

    static PositionProfile of(double[] all) {
        int n = all.length / 3;
        return new PositionProfile(
                Arrays.copyOfRange(all, 0, n),
                Arrays.copyOfRange(all, n, 2 * n),
                Arrays.copyOfRange(all, 2 * n, 3 * n));
    }
}
