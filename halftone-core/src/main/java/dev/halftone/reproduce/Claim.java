package dev.halftone.reproduce;

import java.util.List;

/** A paper's headline claim. */
public interface Claim {
    /** What {@code halftone reproduce} calls it. */
    String name();

    /** Where it was made. */
    String paper();

    /** The claim in one sentence. */
    String statement();

    /** What has to be run, for each of these models. */
    List<Case> cases(List<String> models);

    /** What the claim says of these models, and whether it holds. */
    List<Finding> judge(List<String> models, Results results);

    /**
     * A model quantized by a recipe.
     *
     * @param model a name that {@link dev.halftone.format.ModelFile#open(String)} knows
     * @param label one word for the recipe
     * @param recipe built-in name, or YAML
     */
    record Case(String model, String label, String recipe) {}

    /**
     * A part of the claim.
     *
     * @param statement what should be
     * @param measured what is
     */
    record Finding(String statement, boolean holds, String measured) {}
}
