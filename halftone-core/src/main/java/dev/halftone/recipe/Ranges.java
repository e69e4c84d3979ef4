package dev.halftone.recipe;

import dev.halftone.format.InputFormat.Range;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.bytedeco.pytorch.Tensor;

/** Smallest and largest of stored activations. */
final class Ranges {
    private static final int TOKENS = 4096;

    private Ranges() {}

    static Range of(Activations activations, Workers workers) {
        int pieces = Math.toIntExact(Math.ceilDiv(activations.rows(), TOKENS));
        Range[] ranges = new Range[pieces];
        workers.forEach(pieces, piece -> {
            long from = (long) piece * TOKENS;
            Tensor x = activations.view(from, Math.min(activations.rows(), from + TOKENS));
            ranges[piece] = new Range(x.min().item_float(), x.max().item_float());
        });
        return Arrays.stream(ranges).reduce(ranges[0], Range::join);
    }
}
