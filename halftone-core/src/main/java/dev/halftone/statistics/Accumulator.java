package dev.halftone.statistics;

import dev.halftone.kernel.Kernels;
import java.util.random.RandomGenerator;

/**
 * What is kept of a site's values X (tokens, channels), in one pass: a token is seen twice while it is in the processor's
 * cache, its moments are merged into the whole. Values that are not finite are counted and passed over; per channel they count
 * as zeros. Sums are float64, and equal blocks merged in equal order give equal bits.
 */
public final class Accumulator {
    private static final Kernels KERNELS = Kernels.best();

    private final Limits limits;
    private final ChannelSums channels;
    private final LogHistogram histogram;
    private final LogHistogram tokenHistogram;
    private final TopValues top;
    private final Sample sample;
    private Totals totals = Totals.EMPTY;

    /**
     * How much is kept beside sums and counts.
     *
     * @param top values of largest magnitude
     * @param sample values for percentiles
     */
    public record Limits(int top, int sample) {
        /** Moments, histograms and channels only. */
        public static final Limits NONE = new Limits(0, 0);
    }

    /**
     * Figures of all values pooled.
     *
     * @param tokens rows, those with values that are not finite included
     * @param notFinite values that were passed over
     * @param tokenKurtosis sum over the tokens of their own kurtosis
     * @param spreadTokens tokens that have one: not all values equal
     */
    public record Totals(
            Moments moments,
            double sumAbs,
            double sumSquares,
            long tokens,
            long notFinite,
            double tokenKurtosis,
            long spreadTokens) {
        static final Totals EMPTY = new Totals(Moments.EMPTY, 0, 0, 0, 0, 0, 0);

        /** With a token of those moments and sums. */
        Totals plus(Moments token, double abs, double squares) {
            return new Totals(
                    moments.merge(token),
                    sumAbs + abs,
                    sumSquares + squares,
                    tokens,
                    notFinite,
                    tokenKurtosis + token.kurtosis(),
                    spreadTokens + (token.m2() > 0 ? 1 : 0));
        }

        Totals merge(Totals b) {
            return new Totals(
                    moments.merge(b.moments),
                    sumAbs + b.sumAbs,
                    sumSquares + b.sumSquares,
                    tokens + b.tokens,
                    notFinite + b.notFinite,
                    tokenKurtosis + b.tokenKurtosis,
                    spreadTokens + b.spreadTokens);
        }
    }

    /**
     * Where a block's tokens stand.
     *
     * @param sequence number of the sequence
     * @param position of the block's first token
     * @param ids token ids of the sequence; empty where values have none
     */
    public record Place(int sequence, int position, int[] ids) {
        /** Of values that belong to no sequence. */
        public static final Place NONE = new Place(0, 0, new int[0]);

        int token(int row) {
            return position + row < ids.length ? ids[position + row] : -1;
        }
    }

    public Accumulator(int channels, Limits limits) {
        this(
                limits,
                Totals.EMPTY,
                new ChannelSums(channels),
                new LogHistogram(),
                new LogHistogram(),
                new TopValues(limits.top()),
                new Sample(limits.sample()));
    }

    Accumulator(
            Limits limits,
            Totals totals,
            ChannelSums channels,
            LogHistogram histogram,
            LogHistogram tokenHistogram,
            TopValues top,
            Sample sample) {
        this.limits = limits;
        this.totals = totals;
        this.channels = channels;
        this.histogram = histogram;
        this.tokenHistogram = tokenHistogram;
        this.top = top;
        this.sample = sample;
    }

    /**
     * Adds tokens.
     *
     * @param x (rows, channels) from offset {@code at}
     * @param random draws the sample
     * @param positions gets each token's largest and mean magnitude; may be one that nobody reads
     */
    public void add(float[] x, int at, int rows, Place place, RandomGenerator random, PositionProfile positions) {
        int width = channels.channels();
        long skipped = histogram.add(x, at, rows * width);
        if (skipped == 0) {
            channels.add(x, at, rows);
        }
        double[] row = new double[Kernels.ROW_MOMENTS];
        float[] finite = new float[skipped == 0 ? 0 : width];
        Totals sums = new Totals(Moments.EMPTY, 0, 0, rows, skipped, 0, 0);
        for (int t = 0; t < rows; t++) {
            int from = at + t * width;
            int count = width;
            if (skipped > 0) {
                channels.addFinite(x, from);
                count = finite(x, from, finite);
            }
            if (count > 0) {
                KERNELS.rowMoments(skipped > 0 ? finite : x, skipped > 0 ? 0 : from, count, row);
                sums = sums.plus(new Moments(count, row[0], row[1], row[2], row[3]), row[4], row[5]);
                tokenHistogram.add((float) row[6]);
                if (top.takes(row[6])) {
                    top.add(x, from, width, place.sequence(), place.position() + t, place.token(t));
                }
                positions.add(place.position() + t, row[6], row[4] / width);
            }
        }
        totals = totals.merge(sums);
        sample.add(x, at, rows * width, random);
    }

    /** Adds rows that belong to no sequence, such as a weight's; not with {@link Limits#sample}, which is drawn by sequence. */
    public void add(float[] x, int rows) {
        if (limits.sample() > 0) {
            throw new IllegalArgumentException("a sample needs a source of random numbers");
        }
        add(x, 0, rows, Place.NONE, () -> 0, PositionProfile.NONE);
    }

    private static int finite(float[] x, int from, float[] target) {
        int count = 0;
        for (int i = from; i < from + target.length; i++) {
            if (Float.isFinite(x[i])) {
                target[count++] = x[i];
            }
        }
        return count;
    }

    /** Adds another's; the order of merging changes no count, extreme or sample, and sums by rounding only. */
    public void merge(Accumulator other) {
        totals = totals.merge(other.totals);
        channels.merge(other.channels);
        histogram.merge(other.histogram);
        tokenHistogram.merge(other.tokenHistogram);
        top.merge(other.top);
        sample.merge(other.sample);
    }

    /** Both together; neither is changed. */
    public static Accumulator merged(Accumulator a, Accumulator b) {
        Accumulator both = new Accumulator(a.channels.channels(), a.limits);
        both.merge(a);
        both.merge(b);
        return both;
    }

    public Limits limits() {
        return limits;
    }

    public Totals totals() {
        return totals;
    }

    public ChannelSums channels() {
        return channels;
    }

    public LogHistogram histogram() {
        return histogram;
    }

    /** Of each token's largest magnitude. */
    public LogHistogram tokenHistogram() {
        return tokenHistogram;
    }

    public TopValues top() {
        return top;
    }

    public Sample sample() {
        return sample;
    }

    /** diag(H) = sum of x^2 / tokens: the importance of each channel. */
    public double[] importance() {
        double[] importance = new double[channels.channels()];
        for (int c = 0; c < importance.length; c++) {
            importance[c] = totals.tokens() == 0 ? 0 : channels.sumSquares(c) / totals.tokens();
        }
        return importance;
    }
}
