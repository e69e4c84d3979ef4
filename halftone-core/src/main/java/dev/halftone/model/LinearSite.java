package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * A linear weight, by its Hugging Face name, and its shape.
 *
 * @param weight name such as {@code model.layers.3.mlp.down_proj.weight}
 * @param out rows of the weight
 * @param in columns of the weight, the width of the site's input
 * @param inputMajor a plain checkpoint stores it (in, out); a packed one never does
 * @param part what it belongs to
 * @param expert its number; 0 where there are none
 */
public record LinearSite(String weight, int out, int in, boolean bias, boolean inputMajor, Part part, int expert) {
    /** Which tokens a linear sees. */
    public enum Part {
        /** All: no mixture of experts. */
        DENSE,
        /** All: it decides which experts a token gets, or how much shared experts count. */
        ROUTER,
        /** Those that the router gave to its expert. */
        EXPERT,
        /** All: it belongs to shared experts. */
        SHARED
    }

    /** A linear that sees all tokens. */
    public LinearSite(String weight, int out, int in, boolean bias, boolean inputMajor) {
        this(weight, out, in, bias, inputMajor, Part.DENSE, 0);
    }

    /** A stage's linears in sets with one input, in their order. */
    public static List<List<LinearSite>> groups(List<LinearSite> stage) {
        List<List<LinearSite>> groups = new ArrayList<>();
        for (LinearSite site : stage) {
            LinearSite last = groups.isEmpty() ? null : groups.getLast().getLast();
            if (last == null || last.part() != site.part() || last.expert() != site.expert()) {
                groups.add(new ArrayList<>());
            }
            groups.getLast().add(site);
        }
        return groups;
    }

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
