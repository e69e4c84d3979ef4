package dev.halftone.discrete.tomography;

import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * DART: in turn, every pixel is set to its nearest level, those at edges and some others are freed, and SIRT finds the free ones anew
 * and smoothes them.
 *
 * <p>Source: Batenburg and Sijbers, "DART", IEEE TIP 20(9), 2011, with the settings of the code of arXiv:2508.13437: free with
 * probability 0.5 or at an edge (8 neighbours), a Gaussian of sigma 1 over the free pixels except at the end.
 */
final class Dart {
    private static final int FIRST = 300;
    private static final int ROUNDS = 100;
    private static final int INNER = 10;
    private static final double FREE = 0.5;

    /** Of a Gaussian with sigma 1, cut off at three pixels. */
    private static final int RADIUS = 3;

    private final Scan scan;
    private final int size;
    private final RandomGenerator random;

    private Dart(Scan scan, long seed) {
        this.scan = scan;
        this.size = scan.truth().size();
        this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    }

    static Image reconstruct(Scan scan, long seed) {
        return new Dart(scan, seed).run();
    }

    private Image run() {
        double[] x = new double[size * size];
        Sirt.of(scan).simultaneous(x, FIRST);
        for (int round = 0; round < ROUNDS; round++) {
            double[] levels = scan.segmented(new Image(size, x)).pixels();
            boolean[] free = free(levels);
            for (int j = 0; j < x.length; j++) {
                x[j] = free[j] ? x[j] : levels[j];
            }
            new Sirt(scan.a(), scan.b(), free, scan.a().rows() / scan.angles()).simultaneous(x, INNER);
            if (round < ROUNDS - 1) {
                smooth(x, free);
            }
        }
        return scan.segmented(new Image(size, x));
    }

    private boolean[] free(double[] levels) {
        boolean[] free = new boolean[levels.length];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                // Drawn for every pixel, so that draws do not depend on where the edges are.
                boolean drawn = random.nextDouble() < FREE;
                free[i * size + j] = drawn || edge(levels, i, j);
            }
        }
        return free;
    }

    private boolean edge(double[] levels, int i, int j) {
        for (int y = Math.max(0, i - 1); y <= Math.min(size - 1, i + 1); y++) {
            for (int x = Math.max(0, j - 1); x <= Math.min(size - 1, j + 1); x++) {
                if (levels[y * size + x] != levels[i * size + j]) {
                    return true;
                }
            }
        }
        return false;
    }

    private void smooth(double[] x, boolean[] free) {
        double[] before = x.clone();
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                if (free[i * size + j]) {
                    x[i * size + j] = weighted(before, i, j);
                }
            }
        }
    }

    private double weighted(double[] values, int i, int j) {
        double sum = 0;
        double weights = 0;
        for (int y = Math.max(0, i - RADIUS); y <= Math.min(size - 1, i + RADIUS); y++) {
            for (int x = Math.max(0, j - RADIUS); x <= Math.min(size - 1, j + RADIUS); x++) {
                double weight = Math.exp(-((y - i) * (y - i) + (x - j) * (x - j)) / 2.0);
                sum += weight * values[y * size + x];
                weights += weight;
            }
        }
        return sum / weights;
    }
}
