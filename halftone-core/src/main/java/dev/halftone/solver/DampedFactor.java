package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What error feedback needs of H: the factor of its damped inverse in solving order. Inputs that are always zero get a 1 on the
 * diagonal, so that nothing is moved onto them.
 *
 * @param dead inputs that are always zero
 * @param u (n, n) upper, U^T U the inverse of H + added I; null if there is none
 * @param added what damping added to the diagonal
 * @param events how it came about
 */
record DampedFactor(boolean[] dead, double @Nullable [] u, double added, List<Event> events) {
    private static final double LARGEST_SHARE = 1;
    private static final double LEAST_FLOOR = 1e-6;
    private static final int FLOORS = 6;

    /**
     * What is added to the diagonal of H until it is positive definite.
     *
     * @param share of mean(diag H), 0 to 1; 0.01 in GPTQ's code
     * @param step by how much the share rises after a failure, up to 1; 0: not at all
     * @param floor after that, 10^-6 .. 10^-1 of max(diag H) more, as GPTQModel does
     */
    public record Damping(double share, double step, boolean floor) {
        public Damping {
            if (!(share >= 0 && share <= LARGEST_SHARE && step >= 0 && step <= LARGEST_SHARE)) {
                throw new IllegalArgumentException("damping " + share + " rising by " + step);
            }
        }
    }

    static DampedFactor of(Gram gram, int[] order, Damping damping, Workers workers) {
        List<Event> events = new ArrayList<>();
        int n = gram.size();
        if (gram.tokens() < 4L * n) {
            events.add(new Event.FewTokens(gram.tokens(), n));
        }
        double[] diagonal = gram.diagonal();
        boolean[] dead = new boolean[n];
        int count = 0;
        for (int j = 0; j < n; j++) {
            dead[j] = diagonal[j] == 0;
            count += dead[j] ? 1 : 0;
        }
        if (count == n) {
            return none(n, events, "no calibration token gave it an input");
        }
        if (Arrays.stream(gram.h()).anyMatch(x -> !Double.isFinite(x))) {
            return none(n, events, "H has values that are not finite");
        }
        double[] ordered = ordered(gram, order, dead);
        double mean = 0;
        double largest = 0;
        for (int i = 0; i < n; i++) {
            mean += ordered[i * n + i] / n;
            largest = Math.max(largest, ordered[i * n + i]);
        }
        for (Attempt attempt : attempts(damping, LEAST_FLOOR * largest)) {
            double added = attempt.share() * mean + attempt.floor();
            double[] damped = ordered.clone();
            for (int i = 0; i < n; i++) {
                damped[i * n + i] += added;
            }
            double[] u = InverseFactor.upper(damped, n, workers);
            if (u != null) {
                if (count > 0) {
                    events.add(new Event.DeadColumns(count));
                }
                if (attempt.share() > damping.share() || attempt.floor() > 0) {
                    events.add(new Event.DampingRaised(damping.share(), attempt.share() + attempt.floor() / mean));
                }
                return new DampedFactor(dead, u, added, events);
            }
        }
        return none(n, events, "H is not positive definite at any damping");
    }

    /** Nothing was set to zero where plain rounding takes over. */
    private static DampedFactor none(int n, List<Event> events, String reason) {
        events.add(new Event.FellBackToRtn(reason));
        return new DampedFactor(new boolean[n], null, 0, events);
    }

    private static double[] ordered(Gram gram, int[] order, boolean[] dead) {
        int n = gram.size();
        double[] ordered = new double[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                ordered[i * n + j] = gram.h()[order[i] * n + order[j]];
            }
            if (dead[order[i]]) {
                ordered[i * n + i] = 1;
            }
        }
        return ordered;
    }

    /** What is added to the diagonal: a share of its mean, and a number. */
    private record Attempt(double share, double floor) {}

    private static List<Attempt> attempts(Damping damping, double leastFloor) {
        List<Attempt> attempts = new ArrayList<>();
        for (double share = damping.share(); share <= LARGEST_SHARE; share += damping.step()) {
            attempts.add(new Attempt(share, 0));
            if (damping.step() == 0) {
                break;
            }
        }
        double share = attempts.getLast().share();
        double floor = leastFloor;
        for (int k = 0; damping.floor() && k < FLOORS; k++) {
            attempts.add(new Attempt(share, floor));
            floor *= 10;
        }
        return attempts;
    }
}
