package dev.halftone.recipe;

import dev.halftone.format.NumberFormat;
import dev.halftone.solver.AmvmCodes;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightSolver;
import dev.halftone.yaml.YamlReader;

/** The keys of {@code weights} with {@code method: amvm}: its own, and those of the method that it starts from. */
final class AmvmKeys {
    private AmvmKeys() {}

    static AmvmCodes read(YamlReader reader, NumberFormat format) {
        String start = reader.string("start", "gptq");
        WeightSolver first = switch (start) {
            case "rtn" -> new Rtn(WeightKeys.search(reader, "minmax"));
            case "gptq" -> WeightKeys.gptq(reader, format);
            default -> throw reader.error("start", "start is \"" + start + "\"; known are rtn, gptq");
        };
        int tokens = reader.integer("tokens", 4096);
        int worst = reader.integer("worst_tokens", 1024);
        int iterations = reader.integer("iterations", 4);
        boolean guard = reader.flag("guard", true);
        int seed = reader.integer("seed", 9101);
        return WeightKeys.placed(
                reader,
                "iterations",
                () -> new AmvmCodes(first, new AmvmCodes.Options(tokens, worst, iterations, guard, seed)));
    }
}
