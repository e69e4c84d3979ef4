package dev.halftone.study.plan;

import dev.halftone.format.CacheFormat;
import dev.halftone.format.GridMode;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.ScaleType;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a study always measures beside what it names: the models as they are, and plain rounding to nearest in each recipe's
 * formats, so that a method is judged by what it adds.
 */
final class Anchors {
    private Anchors() {}

    /** What two recipes must share to be compared: how weights, inputs, keys and values are stored. */
    private record Formats(
            NumberFormat weights,
            @Nullable InputFormat inputs,
            @Nullable CacheFormat cache) {
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
            CacheFormat cache = recipe.caches().isEmpty()
                    ? null
                    : recipe.caches().getFirst().format();
            return Optional.of(new Formats(recipe.steps().getFirst().format(), inputs, cache));
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
        NumberFormat w = formats.weights();
        InputFormat inputs = formats.inputs();
        CacheFormat cache = formats.cache();
        String yaml = "steps:\n  - weights: {method: rtn, %s}\n".formatted(Recipes.keys(w))
                + (inputs == null ? "" : "  - inputs: {%s}\n".formatted(Recipes.keys(inputs)))
                + (cache == null ? "" : "  - cache: {%s}\n".formatted(Recipes.keys(cache)));
        String name = "rtn-" + title(w, inputs == null ? "" : "a" + title(inputs.numbers()), cache);
        return new NamedRecipe(name, yaml, Optional.of(Recipes.parse(name, yaml)), true);
    }

    private static String title(NumberFormat w, String inputs, @Nullable CacheFormat cached) {
        String cache = cached == null ? "" : "kv" + cached.bits();
        String tail = w.rows() == 1 ? "" : "-tiles";
        String group = w.group() == NumberFormat.ROW ? "" : "g" + w.group();
        return switch (w) {
            case IntGroup f ->
                "w%d%s%s%s%s%s%s"
                        .formatted(
                                f.bits(),
                                inputs,
                                cache,
                                group,
                                f.mode() == GridMode.ASYM ? "" : "-" + f.mode().title(),
                                f.scale() == ScaleType.F16
                                        ? ""
                                        : "-" + f.scale().title(),
                                tail);
            case LevelGroup f ->
                "%s-%s%s%s%s%s"
                        .formatted(
                                f.elements().title(),
                                f.scale().title(),
                                group,
                                tail,
                                inputs.isEmpty() ? "" : "-" + inputs,
                                cache.isEmpty() ? "" : "-" + cache);
        };
    }

    private static String title(InputFormat.Numbers numbers) {
        return switch (numbers) {
            case InputFormat.Int(int bits, boolean _) -> String.valueOf(bits);
            case InputFormat.Float8 float8 -> float8 == InputFormat.Float8.E4M3 ? "fp8" : "fp8_e5m2";
            case InputFormat.Levels levels -> levels.name();
        };
    }
}
