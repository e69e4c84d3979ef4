package dev.halftone.reconstruct;

import dev.halftone.format.ScalableWeight;
import dev.halftone.format.ScalableWeight.Scaled;
import dev.halftone.tensor.Workers;
import java.util.Arrays;

/**
 * The scales of a packed weight while they are trained: each is multiplied by a factor f, which begins at 1 and is moved by Adam
 * (arXiv:1412.6980). dL/df is the sum over the group of dL/dw w / f.
 */
final class TrainedScales {
    private static final double FIRST = 0.9;
    private static final double SECOND = 0.95;

    /** Gradients are of a mean over many tokens, so small ones are not to be drowned. */
    private static final double SMALLEST = 1e-12;

    /** A factor's bounds: beyond them lies another grid, and codes that no longer fit it. */
    private static final float LEAST = 0.5f;

    private static final float MOST = 2;

    private final ScalableWeight weight;
    private final int[] groupOf;
    private final float[] factors;
    private final float[] first;
    private final float[] second;
    private int steps;

    TrainedScales(ScalableWeight weight) {
        this.weight = weight;
        this.groupOf = new int[weight.in()];
        Arrays.setAll(groupOf, weight::groupOf);
        int count = Math.multiplyExact(weight.out(), weight.groups());
        this.factors = new float[count];
        this.first = new float[count];
        this.second = new float[count];
        Arrays.fill(factors, 1);
    }

    int out() {
        return weight.out();
    }

    int in() {
        return weight.in();
    }

    /** The weight as it would be stored now. */
    Scaled now() {
        return weight.times(factors);
    }

    /** Goes back to the scales it began with. */
    void reset() {
        Arrays.fill(factors, 1);
    }

    /**
     * Moves the factors.
     *
     * @param gradient of the loss by the values (out, in)
     */
    void step(float[] gradient, double rate, Workers workers) {
        steps++;
        double mean = 1 - Math.pow(FIRST, steps);
        double square = 1 - Math.pow(SECOND, steps);
        Scaled now = now();
        int groups = weight.groups();
        workers.forEach(out(), row -> {
            double[] slopes = slopes(now, row, gradient);
            for (int g = 0; g < groups; g++) {
                int at = row * groups + g;
                double slope = slopes[g] / factors[at];
                first[at] = (float) (FIRST * first[at] + (1 - FIRST) * slope);
                second[at] = (float) (SECOND * second[at] + (1 - SECOND) * slope * slope);
                double move = first[at] / mean / (Math.sqrt(second[at] / square) + SMALLEST);
                factors[at] = Math.clamp((float) (factors[at] - rate * move), LEAST, MOST);
            }
        });
    }

    private double[] slopes(Scaled now, int row, float[] gradient) {
        float[] values = new float[in()];
        now.multiplesRow(row, values);
        double[] slopes = new double[weight.groups()];
        for (int j = 0; j < values.length; j++) {
            slopes[groupOf[j]] += (double) gradient[row * values.length + j] * values[j];
        }
        return slopes;
    }
}
