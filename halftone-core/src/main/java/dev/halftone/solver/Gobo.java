package dev.halftone.solver;

import dev.halftone.format.CodebookFormat;
import dev.halftone.format.CodebookWeight;
import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * GOBO: what does not fit a layer's normal distribution stays in 16 bits, the rest gets the nearest of 2^b centroids of its own.
 *
 * <p>Source: Zadeh et al., arXiv:2005.03842. Centroids begin as means of 2^b equal parts of the sorted weights; they become the means of
 * their members as long as the sum of |w - c| falls. The threshold -4 on the log density is that of general reports of the paper.
 *
 * <p>W (out, in), as a bag of numbers; no data. Cost O(out in log(out in)) for the sorting.
 */
public final class Gobo implements WeightSolver {
    private static final int MOST_ROUNDS = 100;

    /**
     * What a recipe can set.
     *
     * @param logDensity weights whose log density ln p(w) under the layer's normal distribution is below this are outliers; null: by share
     * @param share of outliers, the largest |w - mean|, where logDensity is null
     */
    public record Options(@Nullable Double logDensity, double share) {
        /** The usual reading of the paper. */
        public static final Options PAPER = new Options(-4.0, 0);
    }

    private final Options options;

    public Gobo(Options options) {
        this.options = options;
    }

    @Override
    public String name() {
        return "gobo";
    }

    @Override
    public boolean needsGram() {
        return false;
    }

    @Override
    public boolean givesPlainCodes() {
        return false;
    }

    /** @param format of which the bits count, and what rounding to nearest is compared in */
    @Override
    public Solution find(WeightProblem problem, NumberFormat format, Workers workers) {
        float[] w = problem.weight();
        OutlierMask outliers = outliers(w);
        float[] sorted = sorted(w, outliers);
        double[] centroids = centroids(sorted, 1 << format.bits());
        float[] levels = new float[centroids.length];
        for (int k = 0; k < levels.length; k++) {
            levels[k] = (float) centroids[k];
        }
        byte[] codes = new byte[w.length];
        OutlierRows rows = new OutlierRows(problem.out(), problem.in());
        for (int at = 0; at < w.length; at++) {
            int code = nearest(levels, w[at]);
            codes[at] = (byte) code;
            if (outliers.has(at)) {
                rows.put(at / problem.in(), at % problem.in(), w[at] - levels[code]);
            }
        }
        CodebookWeight dense =
                CodebookWeight.of(new CodebookFormat(format.bits()), problem.out(), problem.in(), codes, levels);
        return Solution.stored(problem, rows.beside(dense), format, 0, List.of());
    }

    private OutlierMask outliers(float[] w) {
        double sum = 0;
        for (float x : w) {
            sum += x;
        }
        double mean = sum / w.length;
        double squares = 0;
        float[] distances = new float[w.length];
        for (int at = 0; at < w.length; at++) {
            squares += (w[at] - mean) * (w[at] - mean);
            distances[at] = (float) Math.abs(w[at] - mean);
        }
        double sigma = Math.sqrt(squares / w.length);
        Double threshold = options.logDensity();
        int count =
                threshold == null ? OutlierMask.count(options.share(), w.length) : below(distances, sigma, threshold);
        return OutlierMask.largest(distances, count);
    }

    /** How many weights have a log density below the threshold: those at some distance from the mean. */
    private static int below(float[] distances, double sigma, double threshold) {
        if (sigma == 0) {
            return 0;
        }
        double atMean = -Math.log(sigma * Math.sqrt(2 * Math.PI));
        int count = 0;
        for (float distance : distances) {
            count += atMean - (double) distance * distance / (2 * sigma * sigma) < threshold ? 1 : 0;
        }
        return count;
    }

    private static float[] sorted(float[] w, OutlierMask outliers) {
        float[] sorted = new float[w.length - outliers.size()];
        int count = 0;
        for (int at = 0; at < w.length; at++) {
            if (!outliers.has(at)) {
                sorted[count++] = w[at];
            }
        }
        Arrays.sort(sorted);
        return sorted;
    }

    /**
     * The centroids of sorted weights, ascending.
     *
     * @param count how many
     */
    static double[] centroids(float[] sorted, int count) {
        double[] sums = new double[sorted.length + 1];
        for (int i = 0; i < sorted.length; i++) {
            sums[i + 1] = sums[i] + sorted[i];
        }
        double[] c = new double[count];
        for (int k = 0; k < count; k++) {
            int from = (int) ((long) sorted.length * k / count);
            int to = (int) ((long) sorted.length * (k + 1) / count);
            c[k] = to > from ? (sums[to] - sums[from]) / (to - from) : sorted.length == 0 ? 0 : sorted[from];
        }
        double best = distance(sorted, sums, c);
        for (int round = 0; round < MOST_ROUNDS; round++) {
            double[] moved = moved(sorted, sums, c);
            double distance = distance(sorted, sums, moved);
            if (!(distance < best)) {
                break;
            }
            best = distance;
            c = moved;
        }
        return c;
    }

    /** Where each centroid's members begin, halfway from the one before it; and the end. */
    private static int[] bounds(float[] sorted, double[] c) {
        int[] bounds = new int[c.length + 1];
        bounds[c.length] = sorted.length;
        for (int k = 1; k < c.length; k++) {
            bounds[k] = firstAbove(sorted, (c[k - 1] + c[k]) / 2);
        }
        return bounds;
    }

    private static int firstAbove(float[] sorted, double limit) {
        int low = 0;
        int high = sorted.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (sorted[middle] > limit) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }

    private static double[] moved(float[] sorted, double[] sums, double[] c) {
        int[] bounds = bounds(sorted, c);
        double[] moved = c.clone();
        for (int k = 0; k < c.length; k++) {
            int members = bounds[k + 1] - bounds[k];
            if (members > 0) {
                moved[k] = (sums[bounds[k + 1]] - sums[bounds[k]]) / members;
            }
        }
        return moved;
    }

    /** Sum of |w - c| over all weights and their centroids. */
    static double distance(float[] sorted, double[] sums, double[] c) {
        int[] bounds = bounds(sorted, c);
        double distance = 0;
        for (int k = 0; k < c.length; k++) {
            int middle = Math.clamp(firstAbove(sorted, c[k]), bounds[k], bounds[k + 1]);
            double above = sums[bounds[k + 1]] - sums[middle] - c[k] * (bounds[k + 1] - middle);
            double below = c[k] * (middle - bounds[k]) - (sums[middle] - sums[bounds[k]]);
            distance += above + below;
        }
        return distance;
    }

    /** The nearest level, the lower one at a tie. */
    private static int nearest(float[] levels, float w) {
        int low = 0;
        int high = levels.length - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (w > ((double) levels[middle] + levels[middle + 1]) / 2) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
