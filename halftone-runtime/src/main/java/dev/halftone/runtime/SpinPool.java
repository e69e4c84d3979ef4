package dev.halftone.runtime;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads that share short pieces of work, the calling thread among them. A token of a small model is some hundred
 * products of 10 microseconds each, so a thread that waits looks for work again and again before it sleeps; and nobody waits for a
 * thread that has not woken up, only for pieces that were taken.
 *
 * <p>Which thread takes which piece is left to chance: a piece must not read or add to what another writes.
 */
final class SpinPool implements AutoCloseable {
    /** How long a thread looks for work before it sleeps: longer than what lies between two products. */
    private static final long SPIN_NANOS = 100_000;

    /** Looks between two at the clock. */
    private static final int LOOKS = 32;

    // Each in a cache line of its own.
    private static final int STATE = 16;
    private static final int DONE = 32;
    private static final int SLEEPING = 48;
    private static final int SLOTS = 64;

    /** The state's lowest bits: the next piece; then the number of pieces; then that of the phase, which only tells states apart. */
    private static final int BITS = 20;

    private static final long MASK = (1L << BITS) - 1;

    /** Most pieces of a phase. */
    static final int MOST = (int) MASK;

    private final AtomicLongArray slots = new AtomicLongArray(SLOTS);
    private final Thread[] helpers;
    private volatile boolean closed;
    private volatile @Nullable Throwable failure;
    private long phase;
    private Pieces body = (_, _) -> {};

    /** One of the pieces of a phase. */
    @FunctionalInterface
    interface Pieces {
        /** @param thread who runs it, from 0: for scratch memory */
        void run(int piece, int thread);
    }

    /** @param threads at least 1 */
    SpinPool(int threads) {
        helpers = new Thread[threads - 1];
        for (int i = 0; i < helpers.length; i++) {
            int number = i + 1;
            helpers[i] = Thread.ofPlatform()
                    .daemon()
                    .name("halftone-decoder-" + number)
                    .start(() -> help(number));
        }
    }

    int threads() {
        return helpers.length + 1;
    }

    /**
     * Runs pieces 0 to count - 1, each once, and returns when all are done; rethrows a failure. One caller at a time.
     *
     * @param count at most {@link #MOST}
     */
    void run(int count, Pieces pieces) {
        if (count < 2 || helpers.length == 0) {
            for (int i = 0; i < count; i++) {
                pieces.run(i, 0);
            }
            return;
        }
        body = pieces;
        slots.set(DONE, 0);
        phase++;
        slots.set(STATE, (phase << (2 * BITS)) | ((long) count << BITS));
        if (slots.get(SLEEPING) > 0) {
            for (Thread helper : helpers) {
                LockSupport.unpark(helper);
            }
        }
        work(0);
        await(count);
        rethrow();
    }

    @SuppressWarnings("ThreadPriorityCheck") // only how long others wait for the core depends on it
    private void await(int count) {
        long start = System.nanoTime();
        for (int looks = 1; slots.get(DONE) < count; looks++) {
            Thread.onSpinWait();
            // Somebody else may need the core, perhaps the thread that is waited for.
            if (looks % LOOKS == 0 && System.nanoTime() - start > SPIN_NANOS) {
                Thread.yield();
            }
        }
    }

    private void rethrow() {
        Throwable thrown = failure;
        failure = null;
        switch (thrown) {
            case null -> {}
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new IllegalStateException(thrown);
        }
    }

    private void help(int thread) {
        while (!closed) {
            work(thread);
            lookForWork();
        }
    }

    private void work(int thread) {
        while (true) {
            long state = slots.get(STATE);
            if (nothingLeft(state)) {
                return;
            }
            // A piece that is taken keeps its phase from ending, so the body is this phase's.
            if (slots.compareAndSet(STATE, state, state + 1)) {
                try {
                    body.run((int) (state & MASK), thread);
                } catch (RuntimeException | Error e) {
                    failure = e;
                } finally {
                    slots.getAndIncrement(DONE);
                }
            }
        }
    }

    private static boolean nothingLeft(long state) {
        return (state & MASK) >= (state >>> BITS & MASK);
    }

    private void lookForWork() {
        long start = System.nanoTime();
        for (int looks = 1; nothingLeft(slots.get(STATE)) && !closed; looks++) {
            Thread.onSpinWait();
            if (looks % LOOKS == 0 && System.nanoTime() - start > SPIN_NANOS) {
                slots.getAndIncrement(SLEEPING);
                // Whoever brings work after this look sees somebody sleep.
                if (nothingLeft(slots.get(STATE)) && !closed) {
                    LockSupport.park(this);
                }
                slots.getAndDecrement(SLEEPING);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        for (Thread helper : helpers) {
            LockSupport.unpark(helper);
        }
    }
}
