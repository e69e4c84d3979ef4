package dev.halftone.format;

import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.kernel.Kernels;
import java.util.Objects;

/** How the errors of one run of a group are added up in a search. */
final class ErrorMeasure {
    private static final Kernels KERNELS = Kernels.best();

    private final ClipSearch search;
    private final ColumnWeights weights;

    /** A power of two near 1 / max|w|: powers other than squares are computed of errors near 1. */
    private final float unit;

    ErrorMeasure(ClipSearch search, ColumnWeights weights, float largest) {
        this.search = search;
        this.weights = weights;
        this.unit = Math.scalb(1f, Math.clamp(-Math.getExponent(largest), -126, 126));
    }

    float unit() {
        return unit;
    }

    /** The measure of the errors of a run. */
    double of(double[] difference) {
        if (search.norm() == 2) {
            return product(difference, difference);
        }
        double sum = 0;
        for (int i = 0; i < difference.length; i++) {
            sum += weights.importance()[weights.at() + i] * Math.pow(Math.abs(difference[i]) * unit, search.norm());
        }
        return sum;
    }

    /** x^T H y with the measure's H: the identity, a diagonal, or the group's block. */
    double product(double[] x, double[] y) {
        if (search.measure() == Measure.OUTPUT) {
            double[] h = Objects.requireNonNull(weights.moments(), "the measure needs the group's block of H");
            double[] hx = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                KERNELS.subtractScaled(hx, 0, -x[i], h, i * x.length, x.length);
            }
            double sum = 0;
            for (int i = 0; i < x.length; i++) {
                sum += hx[i] * y[i];
            }
            return sum;
        }
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += weights.importance()[weights.at() + i] * x[i] * y[i];
        }
        return sum;
    }
}
