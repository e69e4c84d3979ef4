package dev.halftone.discrete;

import java.util.random.RandomGenerator;

/** Moves that lower t, until there is none. */
final class LocalSearch {
    private final Amvm.Options options;
    private final SwapSearch swaps;
    private final StepSearch steps;

    LocalSearch(Amvm.Options options) {
        this.options = options;
        this.swaps = new SwapSearch(options.candidates(), options.guard());
        this.steps = new StepSearch(options.guard());
    }

    void run(State state, RandomGenerator random) {
        while (state.t() > options.target()) {
            boolean moved = switch (options.mode()) {
                case SWAPS -> swaps.improve(state, random);
                case SWAPS_AND_STEPS -> swaps.improve(state, random) || steps.improve(state);
            };
            if (!moved) {
                return;
            }
        }
    }

    /** The t below which a move is an improvement and not rounding: 1e-6 of t. */
    static double limit(double t) {
        return t - 1e-6 * t;
    }
}
