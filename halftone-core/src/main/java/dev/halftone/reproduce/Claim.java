package dev.halftone.reproduce;

import java.util.List;

/** A claim about models that recipes quantize. */
public non-sealed interface Claim extends Reproducible {
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
