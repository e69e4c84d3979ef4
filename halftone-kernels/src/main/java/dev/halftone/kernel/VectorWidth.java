package dev.halftone.kernel;

import java.util.Locale;
import jdk.incubator.vector.VectorShape;

/** What {@code -Dhalftone.kernels} and the machine make of the choice between providers. */
public final class VectorWidth {
    private static final int LARGEST = 512;
    private static final int CHOSEN = choose();

    private VectorWidth() {}

    /** Bits of the vectors that kernels use, or 0 for plain loops. */
    public static int chosen() {
        return CHOSEN;
    }

    private static int choose() {
        String wish = System.getProperty("halftone.kernels", "").toLowerCase(Locale.ROOT);
        if (wish.equals("scalar")) {
            return 0;
        }
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            System.err.println("halftone: slow scalar kernels; start java with --add-modules jdk.incubator.vector");
            return 0;
        }
        return switch (wish) {
            case "", "vector" -> Preferred.bits();
            case "vector-128", "vector-256", "vector-512" -> Integer.parseInt(wish.substring("vector-".length()));
            default -> {
                System.err.println("halftone: halftone.kernels is " + wish
                        + "; known are scalar, vector, vector-128, vector-256 and vector-512: taking vector");
                yield Preferred.bits();
            }
        };
    }

    /** Loaded only where the module is. */
    private static final class Preferred {
        static int bits() {
            return Math.clamp(VectorShape.preferredShape().vectorBitSize(), 128, LARGEST);
        }
    }
}
