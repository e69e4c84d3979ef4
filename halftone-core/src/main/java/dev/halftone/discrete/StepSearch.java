package dev.halftone.discrete;

/**
 * Single steps, after the swaps in mode "W": one code a level up or down, the one that lowers t most.
 *
 * <p>Source: the code of arXiv:2508.13437. Deviation: the best step and not the first improving one of a random order.
 */
final class StepSearch {
    private final boolean guard;

    /** @param guard the sum of D^2 must not grow */
    StepSearch(boolean guard) {
        this.guard = guard;
    }

    /** Applies the step that lowers t most; false if none lowers it by more than rounding. */
    boolean improve(State state) {
        double limit = LocalSearch.limit(state.t());
        int best = -1;
        int bestBy = 0;
        double[] row = state.worstRow(0);
        for (int j = 0; j < state.codes().length; j++) {
            for (int by = -1; by <= 1; by += 2) {
                if (!state.movable(j) || !state.inRange(j, by) || row[j] * by >= 0) {
                    // A step that adds to the worst row, or does not touch it, cannot lower t.
                    continue;
                }
                double t = state.after(j, by, limit);
                if (t < limit && (!guard || state.squaresGrowth(j, state.step(j, by), j, 0) <= 0)) {
                    limit = t;
                    best = j;
                    bestBy = by;
                }
            }
        }
        if (best < 0) {
            return false;
        }
        state.move(best, bestBy);
        return true;
    }
}
