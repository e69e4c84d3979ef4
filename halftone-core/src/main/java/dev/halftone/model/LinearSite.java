package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import org.bytedeco.pytorch.Tensor;

/**
 * A linear weight, by its Hugging Face name, and its shape.
 *
 * @param weight name such as {@code model.layers.3.mlp.down_proj.weight}
 * @param out rows of the weight
 * @param in columns of the weight, the width of the site's input
 * @param inputMajor a plain checkpoint stores it (in, out); a packed one never does
 */
public record LinearSite(String weight, int out, int in, boolean bias, boolean inputMajor) {
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

    public String biasName() {
        return module() + ".bias";
    }

    /** W (out, in); lifetime as of {@link WeightSource#load}. */
    public Tensor load(WeightSource source, ComputeType type, Arena arena) {
        Tensor stored = source.load(weight, type, arena);
        return inputMajor && !source.packed(weight) ? stored.t().contiguous() : stored;
    }

    long[] storedShape(WeightSource source) {
        return inputMajor && !source.packed(weight) ? new long[] {in, out} : new long[] {out, in};
    }
}
