package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The factor of the last H: q, k and v share one H, and so do gate and up. The next H's factor takes its memory, which the
 * system need not clear again.
 */
final class LastFactor {
    private record Known(Gram gram, int[] order, DampedFactor factor) {}

    /** Elements of a factor whose memory the system must be given back. */
    private static final int LARGE = 1 << 25;

    private final DampedFactor.Damping damping;
    private final AtomicReference<@Nullable Known> last = new AtomicReference<>();

    LastFactor(DampedFactor.Damping damping) {
        this.damping = damping;
    }

    /**
     * Calls {@code use} with the factor of H in that order of columns. It is lent: its memory is another's once this returns.
     * Threads that call at the same time have factors of their own.
     */
    <T> T with(Gram gram, int[] order, Workers workers, Function<DampedFactor, T> use) {
        Known known = last.getAndSet(null);
        if (known == null || !known.gram().equals(gram) || !Arrays.equals(known.order(), order)) {
            double[] memory = known == null ? null : known.factor().r();
            known = new Known(gram, order, DampedFactor.of(gram, order, damping, memory, workers));
        }
        T result = use.apply(known.factor());
        last.set(known);
        return result;
    }

    /** Drops a large factor that no weight will ask for. */
    void forget() {
        last.updateAndGet(known -> known != null && known.gram().h().length >= LARGE ? null : known);
    }
}
