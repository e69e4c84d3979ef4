package dev.halftone.model;

import dev.halftone.tensor.Tensors;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Which experts each token of a pass gets: token t has slots t * k to t * k + k - 1, a slot its expert {@code chosen}[slot].
 *
 * @param chosen (tokens * k)
 * @param weights (tokens, k), what the experts' outputs are multiplied by
 * @param sharedWeight (tokens, 1), what the shared experts' output is multiplied by; null for 1
 */
record Routing(
        int experts, int[] chosen, Tensor weights, @Nullable Tensor sharedWeight) {
    /** Slots in the order of their experts, and within one expert as they are. */
    static int[] byExpert(int[] chosen, int experts) {
        int[] next = starts(chosen, experts);
        int[] order = new int[chosen.length];
        for (int slot = 0; slot < chosen.length; slot++) {
            order[next[chosen[slot]]++] = slot;
        }
        return order;
    }

    /** Where an expert's slots begin in {@link #byExpert}; one more entry than there are experts. */
    static int[] starts(int[] chosen, int experts) {
        int[] starts = new int[experts + 1];
        for (int expert : chosen) {
            starts[expert + 1]++;
        }
        for (int e = 0; e < experts; e++) {
            starts[e + 1] += starts[e];
        }
        return starts;
    }

    /** Where each slot went in {@link #byExpert}. */
    static Tensor inverse(int[] order) {
        int[] inverse = new int[order.length];
        for (int i = 0; i < order.length; i++) {
            inverse[order[i]] = i;
        }
        return Tensors.of(inverse);
    }

    /** Entries {@code from} to {@code to} of slots, each divided by {@code divisor}: 1 for slots, k for their tokens. */
    static Tensor indices(int[] slots, int from, int to, int divisor) {
        return Tensors.of(
                Arrays.stream(slots, from, to).map(slot -> slot / divisor).toArray());
    }
}
