package dev.halftone.recipe;

import dev.halftone.recipe.Recipe.ReconstructionStep;
import dev.halftone.reconstruct.BlockReconstruction;
import dev.halftone.yaml.YamlReader;
import java.util.List;

/** The keys of a recipe's {@code reconstruct} step. */
final class ReconstructionKeys {
    private static final int MOST_ITERATIONS = 100_000;
    private static final int MOST_SEQUENCES = 4096;

    private ReconstructionKeys() {}

    static ReconstructionStep read(YamlReader reader) {
        String method = reader.string("method", "");
        if (!method.equals("signround")) {
            throw reader.error("method", "method is \"" + method + "\"; known is signround");
        }
        int iterations = count(reader, "iterations", 200, MOST_ITERATIONS);
        int batch = count(reader, "batch", 8, MOST_SEQUENCES);
        double rate = reader.number("rate", 1.0 / Math.max(1, iterations));
        if (!(rate > 0 && rate <= 1)) {
            throw reader.error("rate", "rate is " + rate + "; expected a number above 0, to 1");
        }
        return new ReconstructionStep(
                reader.place(),
                new BlockReconstruction.Options(iterations, batch, rate, reader.integer("seed", 1)),
                reader.strings("targets", List.of("*")));
    }

    private static int count(YamlReader reader, String key, int absent, int most) {
        int value = reader.integer(key, absent);
        int least = key.equals("batch") ? 1 : 0;
        if (value < least || value > most) {
            throw reader.error(key, "%s is %d; expected %d to %d".formatted(key, value, least, most));
        }
        return value;
    }
}
