package dev.halftone.discrete;

import java.util.random.RandomGenerator;

/** What becomes of the variables that {@link Destroy} drew, before the local search. */
enum Repair {
    /** Each code changes by -1, 0 or 1. */
    RANDOM {
        @Override
        void change(State state, int[] drawn, RandomGenerator random) {
            for (int j : drawn) {
                int by = random.nextInt(3) - 1;
                if (by != 0 && state.inRange(j, by)) {
                    state.move(j, by);
                }
            }
        }
    },
    /** One after the other, in random order: up or down, whichever leaves the smaller t, if that is not above what it was. */
    GREEDY {
        @Override
        void change(State state, int[] drawn, RandomGenerator random) {
            int[] order = drawn.clone();
            SwapSearch.shuffle(order, random);
            for (int j : order) {
                double t = state.t();
                double up = state.inRange(j, 1) ? state.after(j, 1, t) : Double.POSITIVE_INFINITY;
                double down = state.inRange(j, -1) ? state.after(j, -1, t) : Double.POSITIVE_INFINITY;
                if (Math.min(up, down) <= t) {
                    state.move(j, up <= down ? 1 : -1);
                }
            }
        }
    };

    abstract void change(State state, int[] drawn, RandomGenerator random);
}
