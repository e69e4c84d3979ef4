package dev.halftone.study.plan;

import dev.halftone.format.GridMode;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ScaleType;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a study always measures beside what it names: the models as they are, and plain rounding to nearest in each recipe's
 * formats, so that a method is judged by what it adds.
 */
final class Anchors {
    private Anchors() {}

    /** What two recipes must share to be compared: how weights and inputs are stored. */
    private record Formats(IntGroup weights, @Nullable InputFormat inputs) {
        static Optional<Formats> of(Recipe recipe) {
            if (recipe.steps().isEmpty()) {
                return Optional.empty();
            }
            InputFormat inputs = recipe.inputs().isEmpty()
                    ? null
                    : recipe.inputs().getFirst().format();
            if (inputs != null && inputs.granularity() == Granularity.STATIC) {
                // A scale from calibration is what rounding without data does not have.
                inputs = new InputFormat(inputs.numbers(), Granularity.TOKEN, 0);
            }
            return Optional.of(new Formats(recipe.steps().getFirst().format(), inputs));
        }
    }

    /** The recipes with the model as it is in front, and each missing rounding before the first recipe of its formats. */
    static List<NamedRecipe> with(List<NamedRecipe> recipes) {
        List<NamedRecipe> all = new ArrayList<>();
        all.add(new NamedRecipe(StudyFile.FULL_PRECISION, "", Optional.empty(), true));
        List<Formats> known = new ArrayList<>();
        for (NamedRecipe named : recipes) {
            if (isRounding(named)) {
                named.recipe().flatMap(Formats::of).ifPresent(known::add);
            }
        }
        for (NamedRecipe named : recipes) {
            Optional<Formats> formats = named.recipe().flatMap(Formats::of);
            if (formats.isPresent() && !known.contains(formats.get())) {
                known.add(formats.get());
                NamedRecipe anchor = rounding(formats.get());
                if (recipes.stream().noneMatch(other -> other.name().equals(anchor.name()))) {
                    all.add(anchor);
                }
            }
            all.add(named);
        }
        return all;
    }

    private static boolean isRounding(NamedRecipe named) {
        return named.dataFree()
                && named.recipe().stream()
                        .allMatch(recipe -> recipe.transforms().isEmpty()
                                && recipe.steps().stream()
                                        .allMatch(step -> step.solver().name().equals("rtn")));
    }

    private static NamedRecipe rounding(Formats formats) {
        IntGroup w = formats.weights();
        InputFormat inputs = formats.inputs();
        String yaml = "steps:\n  - weights: {method: rtn, format: %s, group: %s%s, scale: %s}\n"
                        .formatted(format(w), group(w), mode(w), w.scale().title())
                + (inputs == null ? "" : inputs(inputs));
        String name = "rtn-w%d%s%s%s"
                        .formatted(
                                w.bits(),
                                inputs == null ? "" : "a" + bits(inputs),
                                w.group() == IntGroup.ROW ? "" : "g" + w.group(),
                                w.mode() == GridMode.ASYM ? "" : "-" + w.mode().title())
                + (w.scale() == ScaleType.F16 ? "" : "-" + w.scale().title())
                + (w.rows() == 1 ? "" : "-tiles");
        return new NamedRecipe(name, yaml, Optional.of(Recipes.parse(name, yaml)), true);
    }

    private static String format(IntGroup w) {
        return w.mode() == GridMode.TERNARY || w.mode() == GridMode.BINARY
                ? w.mode().title()
                : "int" + w.bits();
    }

    private static String mode(IntGroup w) {
        return switch (w.mode()) {
            case TERNARY, BINARY -> "";
            case SYM_WIDE -> ", symmetric: true";
            case SYM, SYM_FULL, SIGNED_MAX, ASYM, AFFINE ->
                ", mode: " + w.mode().title();
        };
    }

    private static String group(IntGroup w) {
        if (w.rows() == 1) {
            return String.valueOf(w.group());
        }
        return w.rows() == IntGroup.ALL_ROWS && w.group() == IntGroup.ROW ? "tensor" : w.rows() + "x" + w.group();
    }

    private static String bits(InputFormat inputs) {
        return switch (inputs.numbers()) {
            case InputFormat.Int(int bits, boolean _) -> String.valueOf(bits);
            case InputFormat.Float8 _ -> "fp8";
        };
    }

    private static String inputs(InputFormat inputs) {
        String numbers = switch (inputs.numbers()) {
            case InputFormat.Int(int bits, boolean symmetric) -> "int%d, symmetric: %b".formatted(bits, symmetric);
            case InputFormat.Float8 float8 -> "fp8_" + float8.name().toLowerCase(Locale.ROOT);
        };
        return "  - inputs: {format: %s, granularity: %s%s}\n"
                .formatted(
                        numbers,
                        inputs.granularity().name().toLowerCase(Locale.ROOT),
                        inputs.granularity() == Granularity.GROUP ? ", group: " + inputs.group() : "");
    }
}
