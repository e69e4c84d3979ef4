package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.Sequences;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import org.jspecify.annotations.Nullable;

/**
 * Begins what goes through the model block by block: the sequences whose blocks become quantized, and beside them the original
 * model's where something compares with those. Without a calibration set nothing is begun, and all methods give null.
 */
final class CalibrationStreams {
    private final ModelFile model;
    private final Recipe recipe;
    private final QuantizationPlan plan;
    private final @Nullable CalibrationSet calibration;
    private final Compute compute;
    private final OuterBlocks outer;
    private final Spill spill;
    private final Workers workers;
    private final PhaseClock clock;

    /** @param outer embedding and head as they will be stored: the sequences begin with them, the original model's without */
    CalibrationStreams(
            ModelFile model,
            Recipe recipe,
            QuantizationPlan plan,
            @Nullable CalibrationSet calibration,
            Compute compute,
            OuterBlocks outer,
            Spill spill,
            Workers workers,
            PhaseClock clock) {
        this.model = model;
        this.recipe = recipe;
        this.plan = plan;
        this.calibration = calibration;
        this.compute = compute;
        this.outer = outer;
        this.spill = spill;
        this.workers = workers;
        this.clock = clock;
    }

    /** Null where nothing goes through the model: then embedding and head are not needed either. */
    @Nullable
    Decoder decoder() {
        if (calibration == null) {
            Decoder.checkTensors(model.spec(), model.weights(), model.path().toString());
            return null;
        }
        return clock.time(
                "load",
                () -> new Decoder(
                        model.spec(),
                        outer.weights(),
                        compute,
                        model.inputs(),
                        model.cache(),
                        model.path().toString()));
    }

    /** The sequences in front of the first block. */
    @Nullable
    Sequences begin(@Nullable Decoder decoder) {
        CalibrationSet set = calibration;
        return set == null || decoder == null
                ? null
                : clock.time("forward", () -> new Sequences(decoder, set.sequences(), workers, spill));
    }

    /** The same with the original embedding, where that was rounded. */
    private @Nullable Sequences beginOriginal(@Nullable Decoder decoder) {
        if (decoder == null || outer.isEmpty()) {
            return begin(decoder);
        }
        try (Decoder whole = clock.time("load", () -> model.decoder(compute))) {
            return begin(whole);
        }
    }

    /** The recipe's transforms with the activations that they look at; null where it has none. */
    @Nullable
    BlockTransforms transforms(@Nullable Decoder decoder, InputRounding rounding) {
        Sequences original = recipe.transforms().isEmpty() ? null : beginOriginal(decoder);
        return original == null || decoder == null
                ? null
                : new BlockTransforms(recipe.transforms(), plan, decoder, original, rounding, spill, workers, clock);
    }

    /** The original model's activations, where a solver or a reconstruction compares with them and no transform has them. */
    @Nullable
    OriginalStream original(@Nullable Decoder decoder) {
        boolean compares = plan.reconstructs() && recipe.transforms().isEmpty() && recipe.propagateQuantized();
        Sequences sequences = plan.drifts() || compares ? beginOriginal(decoder) : null;
        return sequences == null || decoder == null ? null : new OriginalStream(decoder, sequences, workers);
    }
}
