package dev.halftone.discrete;

import java.util.Arrays;
import java.util.Comparator;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Mode "S": one variable goes a level up and another one comes down from there, so that the sum of the codes stays. Filters leave
 * out pairs that cannot lower t, and none that can.
 *
 * <p>Source: arXiv:2508.13437 and its code, the swap local search. Deviations: slack and least gain are relative; a pair is
 * compared with the best one found so far and not only with t; filters are two-sided.
 */
final class SwapSearch {
    private final int candidates;
    private final boolean guard;

    /**
     * @param candidates pairs that are computed exactly before an improving one among them is taken; with the guard also how many
     *     improving ones are asked for their squares
     * @param guard the sum of D^2 must not grow
     */
    SwapSearch(int candidates, boolean guard) {
        this.candidates = candidates;
        this.guard = guard;
    }

    /** i goes a level up, j down. */
    private record Pair(int i, int j) {}

    /** Applies a swap that lowers t by more than rounding; false if there is none. */
    boolean improve(State state, RandomGenerator random) {
        int most =
                state.problem().levels().stream().mapToInt(LevelSet::size).max().orElse(0);
        for (int c = 0; c + 1 < most; c++) {
            int[] low = at(state, c, 1);
            int[] high = at(state, c + 1, -1);
            if (low.length > 0 && high.length > 0) {
                shuffle(low, random);
                Pair pair = new Search(state, low, high).best();
                if (pair != null) {
                    state.move(pair.i(), 1);
                    state.move(pair.j(), -1);
                    return true;
                }
            }
        }
        return false;
    }

    /** The variables at a code that may move. */
    private static int[] at(State state, int code, int by) {
        int[] found = new int[state.codes().length];
        int count = 0;
        for (int j = 0; j < found.length; j++) {
            if (state.codes()[j] == code && state.movable(j) && state.inRange(j, by)) {
                found[count++] = j;
            }
        }
        return Arrays.copyOf(found, count);
    }

    static void shuffle(int[] values, RandomGenerator random) {
        for (int i = values.length - 1; i > 0; i--) {
            int other = random.nextInt(i + 1);
            int kept = values[i];
            values[i] = values[other];
            values[other] = kept;
        }
    }

    /** Over the pairs of two neighbouring levels. */
    private final class Search {
        private final State state;

        /** I, and how far each goes up. */
        private final int[] low;

        private final double[] f;

        /** J, those first that take most off the worst row, and how far each comes down (negative). */
        private final int[] high;

        private final double[] g;

        /** |D| of the worst rows, and their numbers with the sign of D; read when they are first wanted. */
        private final double[] magnitudes;

        private final double[][] worst;

        /** Row filter; null where it keeps most rows, or where only touched rows are looked at anyway. */
        private final int @Nullable [] rows;

        private double limit;
        private int computed;
        private int improving;
        private @Nullable Pair best;

        Search(State state, int[] low, int[] high) {
            this.state = state;
            this.limit = LocalSearch.limit(state.t());
            double[] row = state.worstRow(0);
            this.low = low;
            this.f = Arrays.stream(low).mapToDouble(i -> state.step(i, 1)).toArray();
            this.high = Arrays.stream(high)
                    .boxed()
                    .sorted(Comparator.comparingDouble(j -> row[j] * state.step(j, -1)))
                    .mapToInt(Integer::intValue)
                    .toArray();
            this.g =
                    Arrays.stream(this.high).mapToDouble(j -> state.step(j, -1)).toArray();
            this.magnitudes = new double[state.worst().length];
            Arrays.setAll(magnitudes, state::magnitude);
            this.worst = new double[magnitudes.length][];
            this.worst[0] = row;
            this.rows = filteredRows();
        }

        private int @Nullable [] filteredRows() {
            if (!(state.problem().a() instanceof DenseMatrix a)) {
                return null;
            }
            double longest = 0;
            for (double step : f) {
                longest = Math.max(longest, step);
            }
            for (double step : g) {
                longest = Math.max(longest, -step);
            }
            int[] within = a.within(state.d(), longest, limit);
            return 2 * within.length > a.rows() ? null : within;
        }

        private @Nullable Pair best() {
            double[] row = worst[0];
            for (int i = 0; i < low.length; i++) {
                double raised = magnitudes[0] + f[i] * row[low[i]];
                // J takes less and less off the worst row: behind the first one that takes too little none is enough.
                for (int j = 0; j < high.length && passes(raised + g[j] * row[high[j]]); j++) {
                    if (passesWorst(i, j)) {
                        compute(i, j);
                        boolean enough = best != null && computed >= candidates;
                        if (enough || (guard && improving >= candidates)) {
                            return best;
                        }
                    }
                }
            }
            return best;
        }

        /** Pair filter on a row: what |D| would be, with the sign it has now, is not above the limit. */
        private boolean passes(double moved) {
            // The filter's sums round otherwise than the exact ones.
            return moved < limit + 1e-9 * Math.max(1, Math.abs(moved));
        }

        private boolean passesWorst(int i, int j) {
            for (int r = 0; r < magnitudes.length; r++) {
                double[] row = worst[r];
                if (row == null) {
                    row = state.worstRow(r);
                    worst[r] = row;
                }
                if (!passes(Math.abs(magnitudes[r] + f[i] * row[low[i]] + g[j] * row[high[j]]))) {
                    return false;
                }
            }
            return true;
        }

        private void compute(int i, int j) {
            computed++;
            int[] among = rows;
            if (among != null
                    && state.problem().a() instanceof DenseMatrix a
                    && a.largest(state.d(), among, low[i], f[i], high[j], g[j], limit) >= limit) {
                return;
            }
            // What the row filter leaves out stays below the t of before, but perhaps not below that of the best pair.
            double t = state.after(low[i], f[i], high[j], g[j], limit);
            if (t >= limit) {
                return;
            }
            improving++;
            if (!guard || state.squaresGrowth(low[i], f[i], high[j], g[j]) <= 0) {
                limit = t;
                best = new Pair(low[i], high[j]);
            }
        }
    }
}
