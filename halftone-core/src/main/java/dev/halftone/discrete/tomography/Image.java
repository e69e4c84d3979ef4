package dev.halftone.discrete.tomography;

/**
 * A square image.
 *
 * @param size N, pixels on a side
 * @param pixels (N, N), row by row from the top, 0 is black and 255 white
 */
public record Image(int size, double[] pixels) {
    /** The largest value. */
    public static final double WHITE = 255;

    /** Mean absolute difference per pixel. */
    public double meanAbsoluteError(Image other) {
        double sum = 0;
        for (int i = 0; i < pixels.length; i++) {
            sum += Math.abs(pixels[i] - other.pixels[i]);
        }
        return sum / pixels.length;
    }

    /** Pixels that differ. */
    public int different(Image other) {
        int count = 0;
        for (int i = 0; i < pixels.length; i++) {
            count += pixels[i] == other.pixels[i] ? 0 : 1;
        }
        return count;
    }

    /** Rows of pixels. */
    public double[][] rows() {
        double[][] rows = new double[size][size];
        for (int i = 0; i < size; i++) {
            System.arraycopy(pixels, i * size, rows[i], 0, size);
        }
        return rows;
    }
}
