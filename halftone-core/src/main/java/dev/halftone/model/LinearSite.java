package dev.halftone.model;

/**
 * A linear weight, by its Hugging Face name, and its shape.
 *
 * @param weight name such as {@code model.layers.3.mlp.down_proj.weight}
 * @param out rows of the weight
 * @param in columns of the weight, the width of the site's input
 */
public record LinearSite(String weight, int out, int in, boolean bias) {
    /** The name without {@code .weight}. */
    public String module() {
        return weight.substring(0, weight.length() - ".weight".length());
    }

    /** The name of the site of this linear's input. */
    public String input() {
        return module() + ".input";
    }

    /** The name of the site of this linear's output. */
    public String output() {
        return module() + ".output";
    }

    String biasName() {
        return module() + ".bias";
    }
}
