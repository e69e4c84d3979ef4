package dev.halftone.discrete;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * A roulette wheel: operators are drawn in proportion to weights that follow their success.
 *
 * @param <T> the operators
 */
final class Wheel<T> {
    /** What stays of a weight when the next score comes. */
    private static final double KEPT = 0.7;

    private final List<T> operators;
    private final double[] weights;

    Wheel(List<T> operators) {
        this.operators = operators;
        this.weights = new double[operators.size()];
        Arrays.fill(weights, 1);
    }

    T draw(RandomGenerator random) {
        double sum = 0;
        for (double weight : weights) {
            sum += weight;
        }
        double at = random.nextDouble() * sum;
        int i = 0;
        while (i < weights.length - 1 && at >= weights[i]) {
            at -= weights[i++];
        }
        return operators.get(i);
    }

    void reward(T operator, Score score) {
        int i = operators.indexOf(operator);
        weights[i] = KEPT * weights[i] + (1 - KEPT) * score.value;
    }

    /** What became of a change. */
    enum Score {
        NEW_BEST(5),
        BETTER(2),
        ACCEPTED(1),
        REJECTED(0.5);

        private final double value;

        Score(double value) {
            this.value = value;
        }
    }
}
