package dev.halftone.recipe;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Built-in names of recipes of the solvers beside rtn and gptq. */
final class SolverRecipes {
    /** method, bits, group, what is done with outliers. */
    private static final Pattern NAME = Pattern.compile("(?<method>quantease|spqr|gwq|adpq|adadim|adadim-rtn|gobo)"
            + "-w(?<bits>[2-8])(g(?<group>16|32|64|128|256))?(-(?<rest>outliers|columns))?");

    static final String KNOWN =
            "quantease-wB, then -outliers or -columns for 1 % of the weights or columns in 16 bits; spqr-wB, adpq-wB, gwq-wB,"
                    + " adadim-wB, adadim-rtn-wB (each with gG) and gobo-wB";

    private SolverRecipes() {}

    /** The recipe file that a name stands for; empty if it is none of these. */
    static Optional<String> yaml(String recipe) {
        Matcher name = NAME.matcher(recipe);
        if (!name.matches()
                || (name.group("rest") != null && !name.group("method").equals("quantease"))) {
            return Optional.empty();
        }
        String bits = name.group("bits");
        String group = name.group("group");
        return switch (name.group("method")) {
            case "quantease" -> step(bits, group, "method: quantease" + outliers(name.group("rest")));
            case "spqr" -> step(bits, group == null ? "16" : group, "method: spqr");
            case "adpq" -> step(bits, group == null ? "128" : group, "method: adpq");
            case "gwq" ->
                step(
                        bits,
                        group == null ? "128" : group,
                        "method: rtn, mode: affine, outliers: {choose: gradient, share: 0.01}");
            // Inputs of a block are those of the original model, as in the authors' code.
            case "adadim" ->
                step(bits, group == null ? "128" : group, "method: adadim, base: gptq")
                        .map(steps -> "propagate: float\n" + steps);
            case "adadim-rtn" ->
                step(bits, group == null ? "128" : group, "method: adadim, base: rtn")
                        .map(steps -> "propagate: float\n" + steps);
            default -> group == null ? step(bits, null, "method: gobo") : Optional.empty();
        };
    }

    private static String outliers(@Nullable String rest) {
        return switch (rest) {
            case null -> "";
            case "columns" -> ", outliers: {choose: iht, share: 0.01, placement: columns}";
            default -> ", outliers: {choose: iht, share: 0.01}";
        };
    }

    private static Optional<String> step(String bits, @Nullable String group, String keys) {
        String groups = group == null ? "-1" : group;
        return Optional.of("steps:\n  - weights: {%s, format: int%s, group: %s}\n".formatted(keys, bits, groups));
    }
}
