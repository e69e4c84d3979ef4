package dev.halftone.discrete;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * AMVM: adaptive large neighbourhood search around a local search with exact filters. A few variables are drawn, changed, and what
 * comes out of the local search is kept if its largest violation is not above the one before.
 *
 * <p>Source: arXiv:2508.13437 and the first author's code. Deviations: at least {@link Options#destroyed} variables are drawn, where
 * the reference's share rounds to none or one; the start goes through the local search before the first draw; a greedy repair sees
 * what it has changed already; least gain and slack are relative to t.
 *
 * <p>All in float64. A step costs O(K), a pass over the swaps of two levels with p and q variables O(p q) for those that only the
 * worst rows are asked about.
 */
public final class Amvm {
    /** Draws from it depend on the seed alone. */
    private static final RandomGeneratorFactory<RandomGenerator> RANDOM = RandomGeneratorFactory.of("L64X128MixRandom");

    /** Share of the variables that are drawn. */
    private static final double SHARE = 0.005;

    private final Options options;

    /** Which moves the local search has. */
    public enum Mode {
        /** "S": swaps between neighbouring levels; the sum of the codes stays. */
        SWAPS,
        /** "W": single steps where no swap helps. */
        SWAPS_AND_STEPS
    }

    /**
     * What a caller can choose.
     *
     * @param iterations of the large neighbourhood search; 0: local search alone
     * @param guard L2 guard: a swap, a step or a random repair must not raise the sum of D^2
     * @param worst k_e: rows that the pair filter looks at
     * @param candidates pairs that are computed exactly before an improving one among them is taken; with the guard also how many
     *     improving ones of two levels are asked for their squares
     * @param destroyed variables that are drawn at least; of many variables half a percent
     * @param target t that is good enough, such as a known bound of the noise in b
     * @param seconds after which no further iteration begins; infinite: results depend on the seed alone
     * @param seed of all draws
     */
    public record Options(
            Mode mode,
            int iterations,
            boolean guard,
            int worst,
            int candidates,
            int destroyed,
            double target,
            double seconds,
            long seed) {
        public Options {
            if (iterations < 0 || worst < 1 || candidates < 1 || destroyed < 1 || !(target >= 0) || !(seconds > 0)) {
                throw new InputException(
                        "HT-761",
                        "amvm",
                        "iterations %d, worst %d, candidates %d, destroyed %d, target %s, seconds %s"
                                .formatted(iterations, worst, candidates, destroyed, target, seconds),
                        "iterations and target are at least 0, the others above 0");
            }
        }

        /** The reference's settings, with at least 3 variables drawn. */
        public static Options of(Mode mode, int iterations, boolean guard, long seed) {
            return new Options(mode, iterations, guard, 100, 100, 3, 0, Double.POSITIVE_INFINITY, seed);
        }

        public Options withTarget(double better) {
            return new Options(mode, iterations, guard, worst, candidates, destroyed, better, seconds, seed);
        }

        public Options withSeconds(double most) {
            return new Options(mode, iterations, guard, worst, candidates, destroyed, target, most, seed);
        }

        public Options withSeed(long other) {
            return new Options(mode, iterations, guard, worst, candidates, destroyed, target, seconds, other);
        }

        public Options withDestroyed(int least) {
            return new Options(mode, iterations, guard, worst, candidates, least, target, seconds, seed);
        }

        public Options withCandidates(int most) {
            return new Options(mode, iterations, guard, worst, most, destroyed, target, seconds, seed);
        }
    }

    /**
     * What came out.
     *
     * @param codes of the best state
     * @param violation t, of D = A x - b computed anew
     * @param squares sum of D^2
     * @param iterations that were run
     * @param accepted t of the start, of what the local search made of it, and of each state that was accepted after it
     */
    public record Result(int[] codes, double violation, double squares, int iterations, List<Double> accepted) {}

    public Amvm(Options options) {
        this.options = options;
    }

    /**
     * Searches.
     *
     * @param start codes, such as those of the nearest levels
     * @return never worse than the start
     */
    public Result solve(MinMaxProblem problem, int[] start) {
        return new Run(problem, start).result();
    }

    private final class Run {
        private final RandomGenerator random = RANDOM.create(options.seed());
        private final LocalSearch local = new LocalSearch(options);
        private final Wheel<Destroy> destroys = new Wheel<>(List.of(Destroy.values()));
        private final Wheel<Repair> repairs = new Wheel<>(List.of(Repair.values()));
        private final List<Double> accepted = new ArrayList<>();
        private final int drawn;
        private State parent;
        private State best;

        Run(MinMaxProblem problem, int[] start) {
            this.drawn = Math.max(options.destroyed(), (int) Math.ceil(SHARE * problem.variables()));
            this.parent = State.of(problem, start, options.worst());
            accepted.add(parent.t());
            local.run(parent, random);
            accepted.add(parent.t());
            this.best = parent;
        }

        Result result() {
            long begin = System.nanoTime();
            int iteration = 0;
            // At t = 0 nothing is left to do, and scores would be 0 / 0.
            while (iteration < options.iterations()
                    && best.t() > options.target()
                    && best.t() > 0
                    && System.nanoTime() - begin < 1e9 * options.seconds()) {
                iterate();
                iteration++;
            }
            MinMaxProblem problem = best.problem();
            double[] d = problem.residual(best.codes());
            double squares = 0;
            for (double value : d) {
                squares += value * value;
            }
            return new Result(
                    best.codes().clone(), MinMaxProblem.largest(d), squares, iteration, List.copyOf(accepted));
        }

        private void iterate() {
            Destroy destroy = destroys.draw(random);
            Repair repair = repairs.draw(random);
            State child = parent.copy();
            repair.change(child, destroy.draw(parent, drawn, random), random);
            local.run(child, random);
            boolean grown = options.guard() && repair == Repair.RANDOM && child.squares() >= parent.squares();
            Wheel.Score score = grown ? Wheel.Score.REJECTED : score(child.t());
            if (score != Wheel.Score.REJECTED) {
                parent = child;
                accepted.add(child.t());
                best = child.t() < best.t() ? child : best;
            }
            destroys.reward(destroy, score);
            repairs.reward(repair, score);
        }

        /** Hill climbing: not worse is accepted. */
        private Wheel.Score score(double t) {
            if (t < best.t()) {
                return Wheel.Score.NEW_BEST;
            }
            if (t < parent.t()) {
                return Wheel.Score.BETTER;
            }
            return t <= parent.t() ? Wheel.Score.ACCEPTED : Wheel.Score.REJECTED;
        }
    }
}
