package dev.halftone.study.recommend;

import dev.halftone.study.analysis.StudyData.RecipeRow;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Who is to run the model, and what it has kernels for. */
public enum Engine {
    /** This program: every recipe. */
    HALFTONE,
    /** llama.cpp's block types that hold the codes of a recipe exactly: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0; weights only. */
    GGUF,
    /** vLLM's kernels for integer weights (4 or 8 bits, groups of 32, 64 or 128, or rows), and W8A8 with dynamic inputs. */
    VLLM;

    /** All names, with commas between. */
    public static String names() {
        return Arrays.stream(values()).map(Engine::label).collect(Collectors.joining(", "));
    }

    /** The name on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The engine of that name. */
    public static Optional<Engine> named(String name) {
        return Arrays.stream(values())
                .filter(engine -> engine.label().equals(name))
                .findFirst();
    }

    /** Why the engine cannot run the recipe; empty if it can. */
    Optional<String> refusal(RecipeRow recipe) {
        Integer bits = recipe.weightBits();
        if (this != HALFTONE && recipe.cacheBits() != null) {
            return Optional.of("the engine quantizes keys and values in formats of its own");
        }
        if (bits == null || this == HALFTONE) {
            return Optional.empty();
        }
        return switch (this) {
            case HALFTONE -> Optional.empty();
            case GGUF -> gguf(recipe, bits);
            case VLLM -> vllm(recipe, bits);
        };
    }

    private static Optional<String> gguf(RecipeRow recipe, int bits) {
        if (recipe.inputBits() != null) {
            return Optional.of("llama.cpp chooses how it quantizes inputs");
        }
        String mode = String.valueOf(recipe.weightMode());
        boolean affine = mode.equals("affine") && (bits == 4 || bits == 5);
        boolean signed = mode.equals("signed-max") && (bits == 4 || bits == 5);
        boolean eight = bits == 8 && mode.equals("sym");
        if (!is(recipe.weightGroup(), 32) || !(affine || signed || eight)) {
            return Optional.of(
                    "no block type of GGUF holds %d bits, group %s, %s".formatted(bits, recipe.weightGroup(), mode));
        }
        return Optional.empty();
    }

    private static Optional<String> vllm(RecipeRow recipe, int bits) {
        String mode = String.valueOf(recipe.weightMode());
        Integer inputs = recipe.inputBits();
        if (inputs != null) {
            boolean known = bits == 8 && inputs == 8 && mode.startsWith("sym") && is(recipe.weightGroup(), -1);
            return known
                    ? Optional.empty()
                    : Optional.of("vLLM has kernels for quantized inputs only as W8A8, symmetric, one scale per row");
        }
        if (bits != 4 && bits != 8) {
            return Optional.of("vLLM's fast kernels read 4 or 8 bits");
        }
        Integer group = recipe.weightGroup();
        if (group == null || !List.of(-1, 32, 64, 128).contains(group)) {
            return Optional.of("vLLM's fast kernels read groups of 32, 64, 128 or a row");
        }
        return Optional.empty();
    }

    private static boolean is(@Nullable Integer value, int wanted) {
        return value != null && value == wanted;
    }
}
