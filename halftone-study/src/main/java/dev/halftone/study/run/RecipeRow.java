package dev.halftone.study.run;

import dev.halftone.format.InputFormat;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A recipe in the store: its text, and what can be asked of it by SQL. Several steps are described by the first. */
final class RecipeRow {
    private RecipeRow() {}

    static List<@Nullable Object> of(int position, NamedRecipe named) {
        Recipe recipe = named.recipe().orElse(null);
        WeightStep step = recipe == null || recipe.steps().isEmpty()
                ? null
                : recipe.steps().getFirst();
        NumberFormat format = step == null ? null : step.format();
        String transforms = recipe == null
                ? ""
                : recipe.transforms().stream()
                        .map(TransformStep::scaling)
                        .map(scaling -> scaling.name())
                        .collect(Collectors.joining(", "));
        return Arrays.asList(
                position,
                named.name(),
                named.yaml(),
                named.dataFree(),
                named.anchor(),
                format == null ? null : format.bits(),
                format == null ? null : format.group(),
                format == null ? null : grid(format),
                inputBits(recipe),
                cacheBits(recipe),
                transforms,
                step == null ? "" : step.solver().name());
    }

    private static @Nullable Integer inputBits(@Nullable Recipe recipe) {
        if (recipe == null || recipe.inputs().isEmpty()) {
            return null;
        }
        return switch (recipe.inputs().getFirst().format().numbers()) {
            case InputFormat.Int(int bits, boolean _) -> bits;
            case InputFormat.Float8 _ -> 8;
            case InputFormat.Levels levels -> levels.format().bits();
        };
    }

    private static @Nullable Integer cacheBits(@Nullable Recipe recipe) {
        return recipe == null || recipe.caches().isEmpty()
                ? null
                : recipe.caches().getFirst().format().bits();
    }

    private static String grid(NumberFormat format) {
        return switch (format) {
            case IntGroup integers -> integers.mode().title();
            case LevelGroup levels -> levels.elements().title();
        };
    }
}
