package dev.halftone.recipe;

import dev.halftone.format.gguf.Mixture;
import dev.halftone.recipe.Recipe.BlockStep;
import dev.halftone.solver.BlockFill;
import dev.halftone.yaml.YamlReader;
import java.util.List;

/** The keys of a recipe's {@code weights} whose format is {@code gguf:TYPE}. */
final class BlockKeys {
    private static final String PREFIX = "gguf:";
    private static final int MOST_ROUNDS = 100;

    private BlockKeys() {}

    /** True if the step fills blocks of GGUF types. */
    static boolean owns(YamlReader reader) {
        return reader.string("format", "").startsWith(PREFIX);
    }

    static BlockStep read(YamlReader reader) {
        String method = reader.string("method", "gptq");
        if (!method.equals("gptq") && !method.equals("rtn")) {
            throw reader.error("method", "method is \"" + method + "\"; known for gguf formats are rtn, gptq");
        }
        boolean feedback = method.equals("gptq");
        Mixture mixture = Mixture.named(reader.string("format", "").substring(PREFIX.length()), reader.place("format"));
        double damping = reader.number("damping", 0.01);
        if (!(damping >= 0 && damping <= 1)) {
            throw reader.error("damping", "damping is " + damping + "; expected 0 to 1");
        }
        double ridge = reader.number("ridge", 0);
        if (!(ridge >= 0 && ridge <= 1)) {
            throw reader.error("ridge", "ridge is " + ridge + "; expected 0 to 1");
        }
        int rounds = reader.integer("rounds", feedback ? 2 : 0);
        if (rounds < 0 || rounds > MOST_ROUNDS) {
            throw reader.error("rounds", "rounds is " + rounds + "; expected 0 to " + MOST_ROUNDS);
        }
        String target = reader.string("target", feedback ? "original" : "weight");
        if (!target.equals("original") && !target.equals("weight")) {
            throw reader.error("target", "target is \"" + target + "\"; known are original, weight");
        }
        BlockFill solver =
                new BlockFill(new BlockFill.Options(ridge, damping, feedback, rounds, target.equals("original")));
        return new BlockStep(reader.place(), solver, mixture, reader.strings("targets", List.of("*")));
    }
}
