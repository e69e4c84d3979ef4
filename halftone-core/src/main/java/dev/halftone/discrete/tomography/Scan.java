package dev.halftone.discrete.tomography;

import dev.halftone.discrete.LevelSet;
import dev.halftone.discrete.MinMaxProblem;
import dev.halftone.discrete.SparseMatrix;
import dev.halftone.error.InputException;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Noisy ray sums of a phantom.
 *
 * @param truth the image
 * @param levels its grey levels
 * @param a A (rays, pixels)
 * @param b A x_true + noise
 * @param angles over half a turn
 * @param noise every ray sum is off by at most this
 */
public record Scan(Image truth, LevelSet levels, SparseMatrix a, double[] b, int angles, double noise) {
    private static final int LARGEST = 512;

    /**
     * Scans a phantom.
     *
     * @param size pixels on a side
     * @param detectors rays of each angle, a pixel apart
     * @param noise uniform in -noise .. noise
     */
    public static Scan of(Phantom phantom, int size, int angles, int detectors, double noise, long seed) {
        check("size", size, Similarity.WINDOW);
        check("angles", angles, 1);
        check("detectors", detectors, 1);
        if (!(noise >= 0 && noise < 1e9)) {
            throw new InputException("HT-762", "noise", noise + "; expected 0 or more", "");
        }
        Image truth = phantom.image(size);
        SparseMatrix a = Projector.of(size, angles, detectors);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        double[] b = a.residual(truth.pixels(), new double[a.rows()]);
        for (int k = 0; k < b.length; k++) {
            b[k] += noise * (2 * random.nextDouble() - 1);
        }
        return new Scan(truth, phantom.levels(), a, b, angles, noise);
    }

    private static void check(String name, int value, int least) {
        if (value < least || value > LARGEST) {
            throw new InputException("HT-762", name, "%d; expected %d to %d".formatted(value, least, LARGEST), "");
        }
    }

    /** Grey levels whose largest distance from a ray sum is to be as small as possible. */
    public MinMaxProblem problem() {
        return new MinMaxProblem(a, b, levels);
    }

    /** Largest |A x - b|. */
    public double residual(Image image) {
        double largest = 0;
        for (double d : a.residual(image.pixels(), b)) {
            largest = Math.max(largest, Math.abs(d));
        }
        return largest;
    }

    /** Every pixel at the nearest of the grey levels. */
    public Image segmented(Image image) {
        double[] pixels = image.pixels().clone();
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = levels.value(levels.nearest(pixels[i]));
        }
        return new Image(image.size(), pixels);
    }
}
