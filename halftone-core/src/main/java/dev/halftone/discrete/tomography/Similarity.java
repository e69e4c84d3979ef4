package dev.halftone.discrete.tomography;

/**
 * SSIM, the structural similarity of two images: 1 for equal ones.
 *
 * <p>Source: Wang et al., "Image quality assessment", IEEE TIP 13(4), 2004: Gaussian window of 11 x 11 pixels with sigma 1.5, K1 = 0.01,
 * K2 = 0.03, mean over the windows that lie in the image.
 */
final class Similarity {
    static final int WINDOW = 11;
    private static final double SIGMA = 1.5;
    private static final double C1 = Math.pow(0.01 * Image.WHITE, 2);
    private static final double C2 = Math.pow(0.03 * Image.WHITE, 2);

    private static final double[] GAUSSIAN = gaussian();

    private Similarity() {}

    private static double[] gaussian() {
        double[] weights = new double[WINDOW];
        double sum = 0;
        for (int i = 0; i < WINDOW; i++) {
            double x = (i - WINDOW / 2) / SIGMA;
            weights[i] = Math.exp(-x * x / 2);
            sum += weights[i];
        }
        for (int i = 0; i < WINDOW; i++) {
            weights[i] /= sum;
        }
        return weights;
    }

    static double of(Image x, Image y) {
        int places = x.size() - WINDOW + 1;
        double sum = 0;
        for (int top = 0; top < places; top++) {
            for (int left = 0; left < places; left++) {
                sum += window(x, y, top, left);
            }
        }
        return sum / ((double) places * places);
    }

    private static double window(Image x, Image y, int top, int left) {
        double meanX = 0;
        double meanY = 0;
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (int i = 0; i < WINDOW; i++) {
            for (int j = 0; j < WINDOW; j++) {
                double weight = GAUSSIAN[i] * GAUSSIAN[j];
                double a = x.pixels()[(top + i) * x.size() + left + j];
                double b = y.pixels()[(top + i) * y.size() + left + j];
                meanX += weight * a;
                meanY += weight * b;
                xx += weight * a * a;
                yy += weight * b * b;
                xy += weight * a * b;
            }
        }
        double covariance = xy - meanX * meanY;
        double variances = xx - meanX * meanX + yy - meanY * meanY;
        return (2 * meanX * meanY + C1)
                * (2 * covariance + C2)
                / ((meanX * meanX + meanY * meanY + C1) * (variances + C2));
    }
}
