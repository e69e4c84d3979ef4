package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramService;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.recipe.SiteReport.EventReport;
import dev.halftone.solver.Event;
import dev.halftone.solver.SolvedWeight;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Runs a recipe on a model, block by block. In a block, stage by stage: the inputs that the already quantized model gives are
 * observed, the stage's weights are solved and replaced, and the sequences go on through the replaced weights. One block is
 * in memory at a time.
 */
public final class Quantizer {
    private static final int SCHEMA = 1;

    /** Called after each block: blocks done, blocks in all, what happens next. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total);
    }

    private final ModelFile model;
    private final Recipe recipe;
    private final QuantizationPlan plan;
    private final @Nullable CalibrationSet calibration;
    private final Compute compute;
    private final Workers workers;
    private final OutputDirectory output;
    private final PhaseClock clock = new PhaseClock("load", "forward", "statistics", "solve", "pack", "save");
    private final List<SiteReport> sites = new ArrayList<>();
    private final List<EventReport> events = new ArrayList<>();
    private final Map<String, IntGroup> formats = new LinkedHashMap<>();
    private boolean fellBack;

    /**
     * Checks everything that can be checked before the work; nothing is written yet.
     *
     * @param calibration null if the recipe needs none
     * @param compute in what the calibration sequences go through the model; second moments and solvers do not depend on it
     * @param directory must not exist, or be empty
     */
    public Quantizer(
            ModelFile model,
            Recipe recipe,
            @Nullable CalibrationSet calibration,
            Compute compute,
            Path directory,
            Workers workers) {
        this.model = model;
        this.compute = compute;
        this.recipe = recipe;
        check(model, recipe, directory);
        this.plan = QuantizationPlan.of(recipe, model.spec());
        if (plan.needsGram() && calibration == null) {
            throw new InputException(
                    "HT-433",
                    recipe.name(),
                    "the recipe needs a calibration text",
                    "add --calibration FILE, or --calibration-source for sources without one");
        }
        ModelHealth.check(model.checkpoint());
        this.calibration = plan.needsGram() ? calibration : null;
        this.workers = workers;
        this.output = OutputDirectory.prepare(directory);
    }

    /**
     * What costs no time to check: for callers that draw a calibration set before they make a quantizer, which takes minutes
     * for some sources.
     *
     * @throws InputException HT-430 to HT-432, HT-434
     */
    public static void check(ModelFile model, Recipe recipe, Path directory) {
        if (model.packed()) {
            throw new InputException(
                    "HT-432",
                    model.path().toString(),
                    "is already quantized by Halftone",
                    "quantize the model it was made from");
        }
        QuantizationPlan.of(recipe, model.spec());
        OutputDirectory.prepare(directory);
    }

    /**
     * Quantizes, writes the model, and reads it back.
     *
     * @param provenance written into the result
     */
    public QuantizationResult run(Provenance provenance, Progress progress) {
        try {
            output.create();
            int blocks = model.spec().layers();
            try (Decoder decoder = clock.time("load", () -> model.decoder(compute));
                    Sequences sequences = begin(decoder)) {
                for (int i = 0; i < blocks; i++) {
                    int index = i;
                    List<StoredPart> parts = new ArrayList<>();
                    try (DecoderBlock block = clock.time("load", () -> decoder.block(index))) {
                        quantize(block, sequences, index == blocks - 1, parts);
                    }
                    clock.time("save", () -> output.writeBlock(index, parts));
                    progress.update(i + 1, blocks);
                }
            }
            clock.time("save", () -> output.assemble(model, formats));
            Evidence evidence = readBack(provenance);
            clock.time("save", () -> output.finish(evidence));
            return new QuantizationResult(
                    evidence, clock.phases(), clock.total(), PeakMemory.bytes(), fellBack && !recipe.fallbackAllowed());
        } catch (IOException | UncheckedIOException e) {
            throw new ResourceException(
                    "HT-502", output.toString(), "cannot be written: " + e, "free some space and run again");
        }
    }

    private @Nullable Sequences begin(Decoder decoder) {
        CalibrationSet set = calibration;
        return set == null
                ? null
                : clock.time("forward", () -> new Sequences(decoder, set.sequences(), workers, output.work()));
    }

    private void quantize(
            DecoderBlock block, @Nullable Sequences sequences, boolean lastBlock, List<StoredPart> parts) {
        AtomicReference<@Nullable Activations> input =
                new AtomicReference<>(sequences == null ? null : clock.time("forward", () -> sequences.begin(block)));
        for (int stage = 0; stage < block.stages().size(); stage++) {
            List<LinearSite> members = block.stages().get(stage);
            Activations activations = input.get();
            Gram gram = activations == null || !plan.needsGram(members)
                    ? null
                    : clock.time("statistics", () -> GramService.of(activations, workers));
            for (LinearSite site : members) {
                plan.step(site).ifPresent(step -> solve(block, site, step, gram, parts));
            }
            if (sequences != null && activations != null) {
                int current = stage;
                if (lastBlock && stage == block.stages().size() - 1) {
                    // Nothing reads what comes after the last weight.
                    activations.close();
                    return;
                }
                clock.time("forward", () -> input.set(sequences.advance(block, current, activations)));
            }
        }
    }

    private void solve(
            DecoderBlock block, LinearSite site, WeightStep step, @Nullable Gram gram, List<StoredPart> parts) {
        float[] weight = clock.time("load", () -> original(site));
        WeightProblem problem = new WeightProblem(site.weight(), weight, site.out(), site.in(), gram);
        SolvedWeight solved = clock.time("solve", () -> step.solver().solve(problem, step.format(), workers));
        PackedWeight packed = solved.packed();
        clock.time("pack", () -> {
            parts.addAll(PackedLayout.parts(site.weight(), packed));
            block.replace(site, packed.decode());
        });
        formats.put(site.weight(), packed.format());
        List<EventReport> reports = solved.events().stream()
                .map(event -> EventReport.of(site.weight(), event))
                .toList();
        fellBack |= solved.events().stream().anyMatch(Event::weaker);
        events.addAll(reports);
        sites.add(new SiteReport(
                site.weight(),
                step.solver().name(),
                packed.format().label(),
                8.0 * packed.byteSize() / ((double) site.out() * site.in()),
                known(solved.proxyLoss()),
                known(solved.rtnLoss()),
                gram == null ? 0 : gram.tokens(),
                gram == null ? null : gram.trace(),
                solved.codesChanged(),
                reports));
    }

    /** W as the source stores it, in float32. */
    private float[] original(LinearSite site) {
        try (Arena arena = Arena.ofConfined()) {
            AtomicReference<float[]> values = new AtomicReference<>(new float[0]);
            Torch.inScope(() -> values.set(Tensors.floats(site.load(model.weights(), ComputeType.FLOAT32, arena))));
            return values.get();
        }
    }

    private static @Nullable Double known(double value) {
        return Double.isNaN(value) ? null : value;
    }

    /** Opens what was written, as a user would, and counts what it stores. */
    private Evidence readBack(Provenance provenance) {
        try (ModelFile written = ModelFile.open(output.staging())) {
            return new Evidence(
                    SCHEMA,
                    recipe.name(),
                    written.bitsPerLinearWeight(),
                    written.bitsPerParameter(),
                    calibration == null ? null : calibration.report(),
                    List.copyOf(sites),
                    List.copyOf(events),
                    provenance);
        }
    }
}
