package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What error feedback needs of H: the factor of the damped H in solving order. Inputs that are always zero get a 1 on the
 * diagonal, so that nothing is moved onto them.
 *
 * @param dead inputs that are always zero
 * @param r (n, n) upper triangle, R R^T = H + added I; below the diagonal nothing of use. Null if there is none
 * @param added what damping added to the diagonal
 * @param events how it came about
 */
record DampedFactor(boolean[] dead, double @Nullable [] r, double added, List<Event> events) {
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
        return of(gram, order, damping, null, workers);
    }

    /** @param memory that r may take: n^2 numbers, or something else, or null */
    static DampedFactor of(Gram gram, int[] order, Damping damping, double @Nullable [] memory, Workers workers) {
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
        double mean = 0;
        double largest = 0;
        for (int column : order) {
            double value = dead[column] ? 1 : diagonal[column];
            mean += value / n;
            largest = Math.max(largest, value);
        }
        double[] r = memory != null && memory.length == n * n ? memory : new double[n * n];
        for (Attempt attempt : attempts(damping, LEAST_FLOOR * largest)) {
            double added = attempt.share() * mean + attempt.floor();
            putInOrder(gram, order, dead, added, r, workers);
            if (UpperFactor.factor(r, n, workers)) {
                if (count > 0) {
                    events.add(new Event.DeadColumns(count));
                }
                if (attempt.share() > damping.share() || attempt.floor() > 0) {
                    events.add(new Event.DampingRaised(damping.share(), attempt.share() + attempt.floor() / mean));
                }
                return new DampedFactor(dead, r, added, events);
            }
            // Such a value makes a pivot that is not finite: no factor that was found has one behind it.
            if (!finite(gram, workers)) {
                return none(n, events, "H has values that are not finite");
            }
        }
        return none(n, events, "H is not positive definite at any damping");
    }

    /** Nothing was set to zero where plain rounding takes over. */
    private static DampedFactor none(int n, List<Event> events, String reason) {
        events.add(new Event.FellBackToRtn(reason));
        return new DampedFactor(new boolean[n], null, 0, events);
    }

    private static boolean finite(Gram gram, Workers workers) {
        int n = gram.size();
        boolean[] finite = new boolean[n];
        workers.forEach(n, i -> {
            finite[i] = true;
            for (int j = 0; j < n; j++) {
                finite[i] &= Double.isFinite(gram.h()[i * n + j]);
            }
        });
        for (boolean row : finite) {
            if (!row) {
                return false;
            }
        }
        return true;
    }

    /** H in solving order, with what damping adds; on and above the diagonal. */
    private static void putInOrder(
            Gram gram, int[] order, boolean[] dead, double added, double[] ordered, Workers workers) {
        int n = gram.size();
        double[] h = gram.h();
        workers.forEach(n, i -> {
            int row = order[i] * n;
            for (int j = i; j < n; j++) {
                ordered[i * n + j] = h[row + order[j]];
            }
            ordered[i * n + i] = (dead[order[i]] ? 1 : ordered[i * n + i]) + added;
        });
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
