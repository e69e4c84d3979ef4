package dev.halftone.discrete.tomography;

import dev.halftone.discrete.LevelSet;

/**
 * Images to be found again. With c = (N - 1) / 2 pixel (i, j) lies at x = (j - c) / (N / 2), y = (c - i) / (N / 2).
 */
public enum Phantom {
    /** A disk with two round holes, 0 and 255. */
    DISKS(2) {
        @Override
        int code(double x, double y, int size) {
            boolean inside = x * x + y * y < 0.64;
            boolean hole = square(x - 0.3) + square(y - 0.2) < 0.05 || square(x + 0.35) + square(y + 0.25) < 0.04;
            return inside && !hole ? 1 : 0;
        }
    },
    /** Upright bars with one across, 0 and 255. */
    BARS(2) {
        @Override
        int code(double x, double y, int size) {
            boolean inside = Math.abs(x) < 0.75 && Math.abs(y) < 0.75;
            boolean bar = (int) Math.floor((x + 1) * size / 8) % 2 == 0 || Math.abs(y) < 0.15;
            return inside && bar ? 1 : 0;
        }
    },
    /** A disk in a disk with a square at its edge, 0, 85, 170 and 255. */
    LAYERS(4) {
        @Override
        int code(double x, double y, int size) {
            if (Math.abs(x - 0.45) < 0.2 && Math.abs(y) < 0.2) {
                return 3;
            }
            double radius = x * x + y * y;
            return radius < 0.16 ? 2 : radius < 0.64 ? 1 : 0;
        }
    };

    private final int levels;

    Phantom(int levels) {
        this.levels = levels;
    }

    abstract int code(double x, double y, int size);

    private static double square(double x) {
        return x * x;
    }

    /** The grey levels of its pixels. */
    public LevelSet levels() {
        return LevelSet.even(0, Image.WHITE / (levels - 1), levels);
    }

    /** The image of N x N pixels. */
    public Image image(int size) {
        double c = (size - 1) / 2.0;
        double half = size / 2.0;
        LevelSet grey = levels();
        double[] pixels = new double[size * size];
        for (int i = 0; i < size; i++) {
            for (int j = 0; j < size; j++) {
                pixels[i * size + j] = grey.value(code((j - c) / half, (c - i) / half, size));
            }
        }
        return new Image(size, pixels);
    }
}
