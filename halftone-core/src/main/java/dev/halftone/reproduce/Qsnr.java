package dev.halftone.reproduce;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.ColumnWeights;
import dev.halftone.format.FittedGrid;
import dev.halftone.format.GroupValues;
import dev.halftone.format.LevelGroup;
import dev.halftone.rotation.RandomHadamard;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/**
 * What every pair of formats loses on a tensor, as it is and after a random Hadamard rotation of its blocks: energies, which add
 * up over parts of a tensor. QSNR = 10 log10(|x|^2 / |x - q|^2).
 */
final class Qsnr {
    private static final int BLOCK = 32;
    private static final int HALF = 16;

    private double signal;

    /** [integer, floating][plain, rotated]. */
    private final Map<FormatPair, double[][]> noise = new EnumMap<>(FormatPair.class);

    /** Sums of kappa over blocks of the row, 32 and 16, and how many there were; [plain, rotated]. */
    private final double[][] kappa = new double[3][2];

    private final long[] blocks = new long[3];

    /**
     * Adds a part.
     *
     * @param x rows of {@code width} values, a multiple of 32, along the axis of the product
     * @param seed of the signs
     */
    void add(float[] x, int width, long seed) {
        for (float value : x) {
            signal += (double) value * value;
        }
        float[] by32 = rotated(x, BLOCK, seed);
        float[] by16 = rotated(x, HALF, seed);
        for (FormatPair pair : FormatPair.values()) {
            float[] turned = pair.block() == BLOCK ? by32 : by16;
            double[][] sums = sums(pair);
            sums[0][0] += noise(x, pair.integer());
            sums[1][0] += noise(x, pair.floating());
            sums[0][1] += noise(turned, pair.integer());
            sums[1][1] += noise(turned, pair.floating());
        }
        int[] lengths = {width, BLOCK, HALF};
        for (int i = 0; i < lengths.length; i++) {
            kappa[i][0] += kappas(x, lengths[i]);
            kappa[i][1] += kappas(i == 0 ? rotated(x, width, seed) : i == 1 ? by32 : by16, lengths[i]);
            blocks[i] += x.length / lengths[i];
        }
    }

    private double[][] sums(FormatPair pair) {
        return noise.computeIfAbsent(pair, _ -> new double[2][2]);
    }

    private static float[] rotated(float[] x, int block, long seed) {
        float[] turned = x.clone();
        RandomHadamard rotation = RandomHadamard.of(block, seed);
        rotation.rotate(turned, 0, turned.length);
        return turned;
    }

    /** |x - q|^2 of blocks with their own scales. */
    static double noise(float[] x, LevelGroup format) {
        int length = format.group();
        float[] ones = new float[length];
        Arrays.fill(ones, 1);
        FittedGrid grid = format.grid(ClipSearch.MIN_MAX, format.unit(x));
        double sum = 0;
        for (int at = 0; at < x.length; at += length) {
            grid.fit(GroupValues.run(x, at, length), ColumnWeights.of(ones, 0));
            for (int i = at; i < at + length; i++) {
                double error = (double) x[i] - grid.value(grid.code(x[i]));
                sum += error * error;
            }
        }
        return sum;
    }

    /** Sum over blocks of max|x| / rms; a block of zeros has 1. */
    private static double kappas(float[] x, int length) {
        double sum = 0;
        for (int at = 0; at < x.length; at += length) {
            double energy = 0;
            double most = 0;
            for (int i = at; i < at + length; i++) {
                energy += (double) x[i] * x[i];
                most = Math.max(most, Math.abs(x[i]));
            }
            sum += most == 0 ? 1 : most / Math.sqrt(energy / length);
        }
        return sum;
    }

    void merge(Qsnr other) {
        signal += other.signal;
        other.noise.forEach((pair, sums) -> {
            for (int f = 0; f < 2; f++) {
                for (int r = 0; r < 2; r++) {
                    sums(pair)[f][r] += sums[f][r];
                }
            }
        });
        for (int i = 0; i < kappa.length; i++) {
            kappa[i][0] += other.kappa[i][0];
            kappa[i][1] += other.kappa[i][1];
            blocks[i] += other.blocks[i];
        }
    }

    /** False of a tensor of zeros. */
    boolean any() {
        return signal > 0;
    }

    /**
     * What was measured, for the JSON document.
     *
     * @param pair such as "mx8"
     */
    record Measured(
            String pair,
            double intQsnrDb,
            double fpQsnrDb,
            double intRotatedQsnrDb,
            double fpRotatedQsnrDb,
            double kappa,
            double kappaRotated) {
        boolean integerWins(boolean rotated) {
            return rotated ? intRotatedQsnrDb > fpRotatedQsnrDb : intQsnrDb > fpQsnrDb;
        }
    }

    /** The figures of a pair; {@code kappa} is the mean over the pair's blocks. */
    Measured of(FormatPair pair) {
        double[][] n = sums(pair);
        int size = pair.block() == BLOCK ? 1 : 2;
        return new Measured(
                pair.title(),
                decibel(n[0][0]),
                decibel(n[1][0]),
                decibel(n[0][1]),
                decibel(n[1][1]),
                kappa[size][0] / blocks[size],
                kappa[size][1] / blocks[size]);
    }

    /** Mean crest factor of whole rows. */
    double rowKappa(boolean rotated) {
        return kappa[0][rotated ? 1 : 0] / blocks[0];
    }

    private double decibel(double energy) {
        // A tensor that the grid holds exactly: 200 dB is beyond float32.
        return Math.min(200, 10 * Math.log10(signal / energy));
    }
}
