package dev.halftone.runtime;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.tensor.Compute;
import java.util.Locale;

/** Which engine runs a model. */
public enum Engines {
    /** The packed one, or the float one for models that the packed one refuses. */
    AUTO,
    /** Kernels over the weights as they are stored. */
    PACKED,
    /** libtorch, with decoded weights. */
    FLOAT;

    /** For the help of commands. */
    public static final String NAMES = "auto|packed|float";

    /**
     * The engine of this name.
     *
     * @throws InputException HT-936 if there is none
     */
    public static Engines named(String name) {
        for (Engines engine : values()) {
            if (engine.name().toLowerCase(Locale.ROOT).equals(name)) {
                return engine;
            }
        }
        throw new InputException("HT-936", "--engine", "\"" + name + "\"; known are " + NAMES.replace("|", ", "), "");
    }

    /** Loads the model. The caller closes the engine before the file. */
    public TokenEngine open(ModelFile file, Compute compute, int threads) {
        return switch (this) {
            case AUTO ->
                PackedEngine.refusal(file).isEmpty()
                        ? PackedEngine.open(file, threads)
                        : new FloatEngine(file, compute, threads);
            case PACKED -> PackedEngine.open(file, threads);
            case FLOAT -> new FloatEngine(file, compute, threads);
        };
    }
}
