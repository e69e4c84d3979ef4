package dev.halftone.discrete;

import java.util.Arrays;
import java.util.random.RandomGenerator;

/** Which variables are put up for change. Source: the code of arXiv:2508.13437, section 2.5 of the spec's numbering. */
enum Destroy {
    /** Any. */
    RANDOM {
        @Override
        double[] scores(State state) {
            double[] scores = new double[state.codes().length];
            Arrays.fill(scores, 1);
            return scores;
        }
    },
    /**
     * Those that weigh in the worst rows: score_j = sum over L of |D_k| exp(-0.3 (t - |D_k|) / (s |a_kj|)) / sum over L of |D_k|.
     * Deviation: the exponent is free of units.
     */
    WORST {
        @Override
        double[] scores(State state) {
            double[] scores = new double[state.codes().length];
            // Some variables are always drawn, even where every score is too small for a float64.
            Arrays.fill(scores, LEAST);
            double all = 0;
            for (int r = 0; r < state.worst().length; r++) {
                all += state.magnitude(r);
            }
            for (int r = 0; r < state.worst().length && all > 0; r++) {
                double[] row = state.worstRow(r);
                double magnitude = state.magnitude(r);
                for (int j = 0; j < scores.length; j++) {
                    double weight = Math.abs(row[j]) * step(state, j);
                    if (weight > 0) {
                        scores[j] += magnitude / all * Math.exp(-DECAY * (state.t() - magnitude) / weight);
                    }
                }
            }
            return scores;
        }

        private static double step(State state, int j) {
            double up = state.inRange(j, 1) ? state.step(j, 1) : 0;
            double down = state.inRange(j, -1) ? -state.step(j, -1) : 0;
            return Math.max(up, down);
        }
    };

    private static final double LEAST = 1e-30;
    private static final double DECAY = 0.3;

    /** How likely each variable is drawn. */
    abstract double[] scores(State state);

    /** Variables that may move, each once, drawn in proportion to their scores, in the order in which they were drawn. */
    int[] draw(State state, int count, RandomGenerator random) {
        double[] scores = scores(state);
        int n = scores.length;
        // The earliest of n exponential clocks whose rates are the scores.
        double[] times = new double[n];
        Integer[] order = new Integer[n];
        for (int j = 0; j < n; j++) {
            order[j] = j;
            times[j] = state.movable(j) ? random.nextExponential() / scores[j] : Double.POSITIVE_INFINITY;
        }
        Arrays.sort(order, (p, q) -> Double.compare(times[p], times[q]));
        return Arrays.stream(order)
                .limit(count)
                .mapToInt(Integer::intValue)
                .filter(state::movable)
                .toArray();
    }
}
