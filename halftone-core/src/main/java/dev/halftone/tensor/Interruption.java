package dev.halftone.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets an interrupted process (Ctrl-C, SIGTERM) end cleanly. When a process exits, the C++ libraries free what they hold, the code
 * that oneDNN made included: a thread that is still inside crashes, and the JVM writes a report of it. So the exit waits until the
 * pieces of work under way have ended, and no new ones begin.
 */
final class Interruption {
    /** Longer than a piece takes; beyond it the process ends without the libraries' farewell. */
    private static final long PATIENCE_NANOS = 3_000_000_000L;

    /** What shells report for Ctrl-C. */
    private static final int STATUS = 130;

    private static final AtomicInteger INSIDE = new AtomicInteger();
    private static volatile boolean exiting;

    private Interruption() {}

    /** Called once, before the first piece. */
    static void watch() {
        Runtime.getRuntime().addShutdownHook(new Thread(Interruption::drain, "halftone-exit"));
    }

    /** Runs a piece of work; once the process exits, never returns, so that nobody takes what is missing for finished. */
    static void inside(Runnable piece) {
        INSIDE.incrementAndGet();
        try {
            if (!exiting) {
                piece.run();
            }
        } finally {
            INSIDE.decrementAndGet();
        }
        while (exiting) {
            LockSupport.park();
        }
    }

    private static void drain() {
        exiting = true;
        long start = System.nanoTime();
        while (INSIDE.get() > 0) {
            if (System.nanoTime() - start > PATIENCE_NANOS) {
                endAtOnce();
                return;
            }
            LockSupport.parkNanos(2_000_000);
        }
    }

    /** The C library's {@code _exit}, which runs no destructors; where it cannot be called the process exits as usual. */
    @SuppressWarnings("restricted") // _exit takes an int and does not come back
    private static void endAtOnce() {
        Linker linker = Linker.nativeLinker();
        linker.defaultLookup().find("_exit").ifPresent(address -> {
            MethodHandle exit = linker.downcallHandle(address, FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
            try {
                exit.invokeExact(STATUS);
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        });
    }
}
