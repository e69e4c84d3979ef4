package dev.halftone.recipe;

import dev.halftone.format.StoredPart;
import dev.halftone.model.CacheRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.recipe.OriginalStream.Moments;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** Transforms a block, solves its weights, and takes the sequences through what has become of it. */
final class BlockQuantizer {
    private final DecoderSpec spec;
    private final Recipe recipe;
    private final QuantizationPlan plan;
    private final Streams streams;
    private final RunResults results;
    private final Spill spill;
    private final PhaseClock clock;

    /**
     * What goes through the model; all null where the recipe reads no activations.
     *
     * @param sequences behind the quantized blocks
     * @param transforms with the original model's activations
     * @param original the original model's activations, where there are no transforms
     */
    record Streams(
            @Nullable Decoder decoder,
            @Nullable Sequences sequences,
            @Nullable BlockTransforms transforms,
            @Nullable OriginalStream original) {
        /** The original model's activations, where something compares with them. */
        @Nullable
        Sequences reference() {
            if (transforms != null) {
                return transforms.original();
            }
            return original == null ? null : original.sequences();
        }

        /** What the transforms did so far. */
        List<TransformReport> transformReports() {
            return transforms == null ? List.of() : transforms.reports();
        }
    }

    BlockQuantizer(
            DecoderSpec spec,
            Recipe recipe,
            QuantizationPlan plan,
            Streams streams,
            RunResults results,
            Spill spill,
            PhaseClock clock) {
        this.spec = spec;
        this.recipe = recipe;
        this.plan = plan;
        this.streams = streams;
        this.results = results;
        this.spill = spill;
        this.clock = clock;
    }

    /**
     * Quantizes one block; called once for each, in their order.
     *
     * @param weights takes what becomes of the block's weights
     * @param parts takes what is to be stored
     */
    void quantize(int index, EditedWeights weights, List<StoredPart> parts) {
        Decoder decoder = streams.decoder();
        Sequences sequences = streams.sequences();
        if (decoder == null || sequences == null) {
            withoutActivations(index, weights, parts);
            return;
        }
        BlockTransforms transforms = streams.transforms();
        if (transforms != null) {
            transforms.apply(index, weights);
        }
        try (DecoderBlock block = clock.time("load", () -> decoder.block(index, weights))) {
            StageSolver.Run run = new StageSolver.Run(index, block, weights, sequences, spill, parts);
            if (!results.reconstructions().concerns(spec, index)) {
                solve(run, index == plan.blocks() - 1);
                return;
            }
            Sequences reference = streams.reference();
            try (Activations before = clock.time("forward", sequences::copy)) {
                solve(run, false);
                Activations target = (reference == null ? sequences : reference).residuals();
                clock.time("solve", () -> results.reconstructions().train(run, decoder, before, target));
            }
        }
    }

    private void withoutActivations(int index, EditedWeights weights, List<StoredPart> parts) {
        for (List<LinearSite> stage : spec.stages(index)) {
            for (LinearSite site : stage) {
                plan.step(site).ifPresent(step -> results.solved().solve(null, weights, site, step, null, true, parts));
            }
        }
    }

    /** @param ends nothing reads what comes after the last weight of the block */
    private void solve(StageSolver.Run run, boolean ends) {
        DecoderBlock block = run.block();
        Sequences sequences = run.sequences();
        results.solved().beginBlock();
        block.roundInputs(
                recipe.propagateQuantized()
                        ? results.rounding()
                        : results.rounding().scaled());
        block.roundCache(recipe.propagateQuantized() ? plan.cache() : CacheRounding.PLAIN);
        OriginalStream original = streams.original();
        if (original != null) {
            clock.time("forward", () -> original.begin(run.index()));
        }
        AtomicReference<@Nullable Activations> input =
                new AtomicReference<>(clock.time("forward", () -> sequences.begin(block)));
        for (int stage = 0; stage < block.stages().size(); stage++) {
            int current = stage;
            Activations activations = Objects.requireNonNull(input.get());
            Moments moments = original == null || !plan.drifts()
                    ? null
                    : clock.time("statistics", () -> original.moments(current, sequences, activations));
            results.stages().solve(run, stage, activations, moments);
            if (original != null) {
                clock.time("forward", () -> original.advance(current));
            }
            List<List<LinearSite>> later =
                    block.stages().subList(stage + 1, block.stages().size());
            if (ends && later.stream().flatMap(List::stream).noneMatch(plan::concerns)) {
                activations.close();
                return;
            }
            clock.time("forward", () -> input.set(sequences.advance(block, current, activations)));
        }
    }
}
