package dev.halftone.reproduce;

import dev.halftone.format.LevelGroup;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * QSNR of a pair by crest factor on drawn blocks: normal values whose largest is raised, or whose large ones are cut, until the
 * block has the wanted kappa. Each block is multiplied by 2^u, u uniform, so that every position between two powers of two occurs.
 */
final class CrestCurve {
    private static final int BLOCKS = 3000;

    /** A block cannot have a kappa above sqrt(length): long ones show what the theory says beyond that. */
    private static final int LONG_BLOCK = 512;

    private static final double LOWEST = 1.2;

    /** At one kappa. */
    record Point(double kappa, double intQsnrDb, double fpQsnrDb, double intTheoryDb, double fpTheoryDb) {}

    private CrestCurve() {}

    /** The length of the blocks that a pair is measured on: its own where the crossing lies within reach of them. */
    static int length(FormatPair pair) {
        return pair.crossing() < 0.8 * Math.sqrt(pair.block()) ? pair.block() : LONG_BLOCK;
    }

    /** From a crest factor of 1.2 to what the blocks can have, or 12. */
    static List<Point> of(FormatPair pair, long seed) {
        int length = length(pair);
        double highest = Math.min(12, 0.97 * Math.sqrt(length));
        List<Point> points = new ArrayList<>();
        int steps = 24;
        for (int i = 0; i <= steps; i++) {
            double kappa = LOWEST + (highest - LOWEST) * i / steps;
            float[] x = blocks(
                    kappa, length, RandomGeneratorFactory.of("L64X128MixRandom").create(seed + i));
            points.add(new Point(
                    kappa,
                    qsnr(x, pair.integer().withGroup(length)),
                    qsnr(x, pair.floating().withGroup(length)),
                    pair.integerQsnr(kappa),
                    pair.floatingQsnr(kappa)));
        }
        return points;
    }

    /** Where the measured curves cross, between two points on a straight line; NaN if they do not. */
    static double crossing(List<Point> points) {
        for (int i = 1; i < points.size(); i++) {
            double before = points.get(i - 1).intQsnrDb() - points.get(i - 1).fpQsnrDb();
            double after = points.get(i).intQsnrDb() - points.get(i).fpQsnrDb();
            if (before > 0 && after <= 0) {
                double share = before / (before - after);
                return points.get(i - 1).kappa() * (1 - share) + points.get(i).kappa() * share;
            }
        }
        return Double.NaN;
    }

    private static double qsnr(float[] x, LevelGroup format) {
        double signal = 0;
        for (float value : x) {
            signal += (double) value * value;
        }
        return 10 * Math.log10(signal / Qsnr.noise(x, format));
    }

    private static float[] blocks(double kappa, int length, RandomGenerator random) {
        int count = Math.max(64, BLOCKS * 32 / length);
        float[] all = new float[count * length];
        double[] x = new double[length];
        for (int b = 0; b < count; b++) {
            int peak = 0;
            for (int i = 0; i < length; i++) {
                x[i] = random.nextGaussian();
                peak = Math.abs(x[i]) > Math.abs(x[peak]) ? i : peak;
            }
            shape(x, peak, kappa);
            double factor = Math.pow(2, random.nextDouble());
            for (int i = 0; i < length; i++) {
                all[b * length + i] = (float) (factor * x[i]);
            }
        }
        return all;
    }

    private static void shape(double[] x, int peak, double kappa) {
        if (kappa(x, Double.POSITIVE_INFINITY) > kappa) {
            double low = 0;
            double high = Math.abs(x[peak]);
            for (int i = 0; i < 40; i++) {
                double middle = (low + high) / 2;
                if (kappa(x, middle) > kappa) {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            for (int i = 0; i < x.length; i++) {
                x[i] = Math.clamp(x[i], -high, high);
            }
            return;
        }
        double rest = -x[peak] * x[peak];
        for (double value : x) {
            rest += value * value;
        }
        // kappa^2 = n a^2 / (rest + a^2).
        x[peak] = Math.copySign(kappa * Math.sqrt(rest / (x.length - kappa * kappa)), x[peak]);
    }

    private static double kappa(double[] x, double limit) {
        double energy = 0;
        double most = 0;
        for (double value : x) {
            double cut = Math.min(Math.abs(value), limit);
            energy += cut * cut;
            most = Math.max(most, cut);
        }
        return most / Math.sqrt(energy / x.length);
    }
}
