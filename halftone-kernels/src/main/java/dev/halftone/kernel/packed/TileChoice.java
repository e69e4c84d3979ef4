package dev.halftone.kernel.packed;

import dev.halftone.kernel.VectorWidth;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.util.Objects;

/** Chooses the provider once for the process. */
final class TileChoice {
    static final TileKernels CHOSEN = VectorWidth.chosen() == 0 ? new ScalarTiles() : vector(VectorWidth.chosen());

    private TileChoice() {}

    /** {@link VectorTiles} at a width of 128, 256 or 512 bits. */
    static TileKernels vector(int bits) {
        return (TileKernels) load("VectorTiles", bits);
    }

    /** Loads a class of this package once more, with a width of its own in its constants. */
    static Object load(String name, int bits) {
        try (InputStream stream = Objects.requireNonNull(TileChoice.class.getResourceAsStream(name + ".class"))) {
            return MethodHandles.lookup()
                    .defineHiddenClassWithClassData(stream.readAllBytes(), bits, true)
                    .lookupClass()
                    .getDeclaredConstructor()
                    .newInstance();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The width that a class was loaded for. */
    static int bits(MethodHandles.Lookup lookup) {
        try {
            return Objects.requireNonNull(MethodHandles.classData(lookup, "_", Integer.class));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }
}
