package dev.halftone.discrete.tomography;

import dev.halftone.discrete.SparseMatrix;

/**
 * Parallel rays through an image, by linear interpolation between the two pixels next to where a ray crosses a row or a column.
 *
 * <p>Source: Joseph, "An improved algorithm for reprojecting rays through pixel images", IEEE TMI 1(3), 1982; the geometry is that of the
 * code of arXiv:2508.13437. Row a * detectors + d of the matrix is the ray at angle theta = a pi / angles with the direction
 * (sin theta, -cos theta), at o = d - (detectors - 1) / 2 along (cos theta, sin theta); pixel (i, j) lies at (j - (N-1)/2, (N-1)/2 - i).
 */
final class Projector {
    private final int size;
    private final SparseMatrix.Builder a;

    private Projector(int size) {
        this.size = size;
        this.a = new SparseMatrix.Builder(size * size);
    }

    /** A (angles * detectors, N * N). */
    static SparseMatrix of(int size, int angles, int detectors) {
        Projector projector = new Projector(size);
        for (int angle = 0; angle < angles; angle++) {
            double theta = Math.PI * angle / angles;
            for (int d = 0; d < detectors; d++) {
                projector.ray(theta, d - (detectors - 1) / 2.0);
            }
        }
        return projector.a.build();
    }

    private void ray(double theta, double offset) {
        a.row();
        double sin = Math.sin(theta);
        double cos = Math.cos(theta);
        double middle = (size - 1) / 2.0;
        for (int line = 0; line < size; line++) {
            if (Math.abs(cos) >= Math.abs(sin)) {
                // Crosses every row: at height y the ray is (offset - y sin) / cos to the right.
                double y = middle - line;
                double column = (offset - y * sin) / cos + middle;
                between(column, 1 / Math.abs(cos), line * size, 1);
            } else {
                double x = line - middle;
                double row = middle - (offset - x * cos) / sin;
                between(row, 1 / Math.abs(sin), line, size);
            }
        }
    }

    /** Shares a length between the pixels on both sides of a place; what lies outside of the image is lost. */
    private void between(double place, double length, int first, int stride) {
        int before = (int) Math.floor(place);
        double f = place - before;
        share(before, (1 - f) * length, first, stride);
        share(before + 1, f * length, first, stride);
    }

    private void share(int place, double length, int first, int stride) {
        if (place >= 0 && place < size && length > 0) {
            a.add(first + place * stride, length);
        }
    }
}
