package dev.halftone.discrete.fir;

import dev.halftone.discrete.DenseMatrix;
import dev.halftone.discrete.LevelSet;
import dev.halftone.discrete.MinMaxProblem;
import dev.halftone.error.InputException;
import java.util.Comparator;
import java.util.List;

/**
 * A linear-phase filter of even order L whose taps are k / 2^(p - 1), k in -2^(p-1) .. 2^(p-1) - 1. Its amplitude at frequency w is
 * x_M + sum over n below M of 2 x_n cos(pi w (M - n)), M = L/2; taps n and L - n are equal.
 *
 * <p>Source: arXiv:2508.13437 and its code, the FIR use.
 *
 * @param order L, even
 * @param bits p
 * @param bands in the order of their frequencies
 */
public record FilterSpec(int order, int bits, List<Band> bands) {
    /** Grid points per order. */
    private static final int DENSITY = 16;

    private static final int LARGEST_ORDER = 1000;
    private static final int MOST_BITS = 16;

    public FilterSpec {
        if (order < 2 || order > LARGEST_ORDER || order % 2 != 0) {
            throw new InputException(
                    "HT-762", "order", order + "; expected an even number from 2 to " + LARGEST_ORDER, "");
        }
        if (bits < 2 || bits > MOST_BITS) {
            throw new InputException("HT-762", "bits", bits + "; expected 2 to " + MOST_BITS, "");
        }
        bands = bands.stream().sorted(Comparator.comparingDouble(Band::low)).toList();
        for (int i = 1; i < bands.size(); i++) {
            if (bands.get(i).low() <= bands.get(i - 1).high()) {
                throw new InputException(
                        "HT-762",
                        "bands",
                        "%s overlaps or touches %s".formatted(bands.get(i), bands.get(i - 1)),
                        "leave a transition between them");
            }
        }
        if (bands.stream().noneMatch(Band::pass) || bands.stream().allMatch(Band::pass)) {
            throw new InputException("HT-762", "bands", "none passes, or none stops", "name at least one of each");
        }
    }

    /** Different taps, M + 1. */
    public int taps() {
        return order / 2 + 1;
    }

    /** The step between two values of a tap. */
    public double step() {
        return Math.pow(2, 1 - bits);
    }

    /** The frequencies at which the ripple is counted, and what the response should be there. */
    public record Grid(double[] frequencies, double[] targets) {}

    /** 16 L points, split over the bands in proportion to their widths, both ends of each included. */
    public Grid grid() {
        return grid(DENSITY * order);
    }

    /** Of another number of points. */
    Grid grid(int points) {
        double[] frequencies = new double[points];
        double[] targets = new double[points];
        double whole = bands.stream().mapToDouble(Band::width).sum();
        int at = 0;
        for (int i = 0; i < bands.size(); i++) {
            Band band = bands.get(i);
            int count = i == bands.size() - 1 ? points - at : (int) (points * band.width() / whole);
            for (int k = 0; k < count; k++) {
                frequencies[at] = k == count - 1 ? band.high() : band.low() + k * (band.width() / (count - 1));
                targets[at++] = band.target();
            }
        }
        return new Grid(frequencies, targets);
    }

    /** Ripple on the grid, tap by tap. */
    public MinMaxProblem problem() {
        Grid grid = grid();
        double[][] a = new double[grid.frequencies().length][taps()];
        for (int k = 0; k < a.length; k++) {
            row(grid.frequencies()[k], a[k]);
        }
        return new MinMaxProblem(DenseMatrix.ofRows(a), grid.targets(), LevelSet.even(-1, step(), 1 << bits));
    }

    private void row(double frequency, double[] target) {
        int m = order / 2;
        for (int n = 0; n < m; n++) {
            target[n] = 2 * Math.cos(Math.PI * frequency * (m - n));
        }
        target[m] = 1;
    }

    /** k of the codes of the problem. */
    public int[] integers(int[] codes) {
        int[] k = codes.clone();
        for (int n = 0; n < k.length; n++) {
            k[n] -= 1 << (bits - 1);
        }
        return k;
    }

    /** |H| at a frequency. */
    public double response(double[] x, double frequency) {
        double[] row = new double[taps()];
        row(frequency, row);
        double sum = 0;
        for (int n = 0; n < row.length; n++) {
            sum += row[n] * x[n];
        }
        return Math.abs(sum);
    }

    /** The largest ||H| - target| at this many points of the bands. */
    public double ripple(double[] x, int points) {
        Grid grid = grid(points);
        double largest = 0;
        for (int k = 0; k < points; k++) {
            largest = Math.max(largest, Math.abs(response(x, grid.frequencies()[k]) - grid.targets()[k]));
        }
        return largest;
    }
}
