package dev.halftone.recipe;

import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.reconstruct.Distillation;
import dev.halftone.yaml.YamlReader;
import java.util.List;

/** The keys of a recipe's {@code distill} step. */
final class DistillationKeys {
    private static final int MOST_EPOCHS = 1000;
    private static final int MOST_SEQUENCES = 4096;

    private DistillationKeys() {}

    static DistillationStep read(YamlReader reader) {
        String train = reader.string("train", "scales");
        if (!train.equals("scales")) {
            throw reader.error("train", "train is \"" + train + "\"; known is scales");
        }
        int epochs = count(reader, "epochs", 1, MOST_EPOCHS);
        int batch = count(reader, "batch", 4, MOST_SEQUENCES);
        double rate = reader.number("rate", 1e-3);
        if (!(rate > 0 && rate <= 0.1)) {
            throw reader.error("rate", "rate is " + rate + "; expected a number above 0, to 0.1");
        }
        return new DistillationStep(
                reader.place(),
                new Distillation.Options(epochs, batch, rate, reader.integer("seed", 1)),
                reader.strings("targets", List.of("*")));
    }

    private static int count(YamlReader reader, String key, int absent, int most) {
        int value = reader.integer(key, absent);
        if (value < 1 || value > most) {
            throw reader.error(key, "%s is %d; expected 1 to %d".formatted(key, value, most));
        }
        return value;
    }
}
