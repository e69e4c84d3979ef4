package dev.halftone.tensor;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Loading libtorch, and the two rules under which Halftone uses it: every operator runs on one thread (parallel work is done
 * by {@link Workers} over independent pieces, so that results do not depend on the number of threads), and native memory is
 * freed by scopes, not by the garbage collector.
 */
public final class Torch {
    private static boolean loaded;

    private Torch() {}

    /** Loads the native libraries once and pins every operator to one thread. Idempotent. */
    public static synchronized void load() {
        if (!loaded) {
            // JavaCPP would compare the whole process, mapped files included, with the Java heap's size and refuse to
            // go on.
            System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
            System.setProperty("org.bytedeco.javacpp.maxBytes", "0");
            Loader.load(torch.class);
            // OpenBLAS keeps its own pool, which torch's setting does not reach.
            openblas_nolapack.blas_set_num_threads(1);
            Interruption.watch();
            loaded = true;
        }
        singleThreaded();
    }

    /** Begins to load the native libraries, so that a later {@link #load} waits for less: it takes most of a second. */
    public static void loadAhead() {
        Thread.ofPlatform().daemon().name("halftone-libtorch").start(() -> {
            try {
                load();
            } catch (RuntimeException | LinkageError _) {
                // The thread that needs the libraries meets the same failure and reports it.
            }
        });
    }

    /** Pins the calling thread's operators to one thread; torch keeps that number per thread. */
    static void singleThreaded() {
        torch.set_num_threads(1);
    }

    /**
     * Runs the body and frees every tensor made in it but the returned one, which the enclosing scope then owns; where there is
     * none, the caller does.
     */
    public static Tensor scoped(Supplier<Tensor> body) {
        Tensor result = owned(body);
        PointerScope outer = PointerScope.getInnerScope();
        if (outer != null) {
            outer.attach(result);
            result.releaseReference();
        }
        return result;
    }

    /** Runs the body and frees every tensor made in it but the returned one, which the caller closes, whatever scopes there are. */
    public static Tensor owned(Supplier<Tensor> body) {
        try (PointerScope _ = new PointerScope()) {
            Tensor result = body.get();
            result.retainReference();
            return result;
        }
    }

    /** Runs the body and frees every tensor made in it. */
    public static void inScope(Runnable body) {
        try (PointerScope _ = new PointerScope()) {
            body.run();
        }
    }
}
