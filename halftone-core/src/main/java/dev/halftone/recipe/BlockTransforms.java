package dev.halftone.recipe;

import dev.halftone.format.InputRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import dev.halftone.model.RoutedTokens;
import dev.halftone.model.Sequences;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The transform steps of a recipe, block by block: the original block runs on the original model's activations, each junction is
 * looked at when they reach it, and what the transforms choose is folded into weights that the block is then solved from.
 */
final class BlockTransforms implements AutoCloseable {
    private final List<TransformStep> steps;
    private final QuantizationPlan plan;
    private final Decoder decoder;
    private final Sequences original;
    private final InputRounding rounding;
    private final Spill spill;
    private final Workers workers;
    private final PhaseClock clock;
    private final List<TransformReport> reports = new ArrayList<>();

    /**
     * @param original activations of the original model; closed with this
     * @param rounding learns what has to be divided at run time
     */
    BlockTransforms(
            List<TransformStep> steps,
            QuantizationPlan plan,
            Decoder decoder,
            Sequences original,
            InputRounding rounding,
            Spill spill,
            Workers workers,
            PhaseClock clock) {
        this.steps = steps;
        this.plan = plan;
        this.decoder = decoder;
        this.original = original;
        this.rounding = rounding;
        this.spill = spill;
        this.workers = workers;
        this.clock = clock;
    }

    /** The original model's activations. */
    Sequences original() {
        return original;
    }

    /** What was done so far. */
    List<TransformReport> reports() {
        return reports;
    }

    /** Takes the original activations through a block and writes the transformed weights into {@code weights}. */
    void apply(int index, EditedWeights weights) {
        List<Junction> junctions = decoder.spec().junctions(index);
        boolean mixture = decoder.spec().experts(index) != null;
        try (DecoderBlock block = clock.time("load", () -> decoder.block(index))) {
            @Nullable Activations input = clock.time("forward", () -> original.begin(block));
            RoutedTokens routed = null;
            for (int stage = 0; stage < block.stages().size(); stage++) {
                int current = stage;
                Activations x = Objects.requireNonNull(input);
                if (mixture && stage == 2) {
                    routed = clock.time("forward", () -> original.route(block, x));
                }
                for (Junction junction : junctions) {
                    if (junction.stage() == stage) {
                        transform(block, junction, x, routed, weights);
                    }
                }
                input = clock.time("forward", () -> original.advance(block, current, x));
            }
        }
    }

    /** @param x of the stage, of which experts and shared experts read parts */
    private void transform(
            DecoderBlock block,
            Junction junction,
            Activations x,
            @Nullable RoutedTokens routed,
            EditedWeights weights) {
        LinearSite reader = junction.readers().getFirst();
        boolean part = junction.stage() == 3 && reader.part() != LinearSite.Part.DENSE;
        if (!part) {
            clock.time("transform", () -> transform(block, junction, x, weights));
            return;
        }
        RoutedTokens tokens = Objects.requireNonNull(routed);
        // Nothing is known about the inputs of an expert without tokens.
        if (reader.part() == LinearSite.Part.SHARED || tokens.tokens(reader.expert()) > 0) {
            try (Activations own = tokens.inputs(3, reader, x, spill)) {
                clock.time("transform", () -> transform(block, junction, own, weights));
            }
        }
    }

    private void transform(DecoderBlock block, Junction junction, Activations x, EditedWeights weights) {
        List<TransformStep> asked = new ArrayList<>();
        for (TransformStep step : steps) {
            if (junction.readers().stream().noneMatch(step::matches)) {
                continue;
            }
            if (step.scaling().handles(junction)) {
                asked.add(step);
            } else {
                step.scaling()
                        .refusal(junction)
                        .ifPresent(reason -> reports.add(new TransformReport(
                                junction.name(), step.scaling().name(), false, 1, 1, reason)));
            }
        }
        if (asked.isEmpty()) {
            return;
        }
        try (CalibratedJunction view = new CalibratedJunction(junction, block, original, x, weights, plan, workers)) {
            for (TransformStep step : asked) {
                Optional<double[]> scales = step.scaling().scales(view);
                if (scales.isPresent()) {
                    double[] s = scales.get();
                    boolean folded = ChannelFold.apply(junction, s, weights);
                    if (!folded) {
                        junction.readers().forEach(reader -> divideAtRunTime(reader, s));
                    }
                    view.divide(s);
                    reports.add(new TransformReport(
                            junction.name(),
                            step.scaling().name(),
                            folded,
                            Arrays.stream(s).min().orElse(1),
                            Arrays.stream(s).max().orElse(1),
                            junction.producer() instanceof Junction.Opaque(String reason) ? reason : ""));
                }
            }
        }
    }

    private void divideAtRunTime(LinearSite reader, double[] s) {
        float[] before = rounding.scales().get(reader.weight());
        float[] scale = new float[s.length];
        for (int c = 0; c < s.length; c++) {
            scale[c] = (float) (before == null ? s[c] : before[c] * s[c]);
        }
        rounding.divide(reader.weight(), scale);
    }

    @Override
    public void close() {
        original.close();
    }
}
