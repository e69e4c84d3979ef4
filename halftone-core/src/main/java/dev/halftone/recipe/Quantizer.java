package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramService;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.recipe.SiteReport.EventReport;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.solver.Event;
import dev.halftone.solver.SolvedWeight;
import dev.halftone.solver.WeightProblem;
import dev.halftone.statistics.ChannelSums;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

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
    private final PhaseClock clock =
            new PhaseClock("load", "forward", "statistics", "transform", "solve", "pack", "save");
    private final List<TransformReport> transformed = new ArrayList<>();
    private final List<SiteReport> sites = new ArrayList<>();
    private final Map<String, NumberFormat> formats = new LinkedHashMap<>();
    private final InputRounding rounding;
    private boolean fellBack;
    private int done;

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
        this.rounding = new InputRounding(plan.inputs());
        if (plan.needsCalibration() && calibration == null) {
            throw new InputException(
                    "HT-433",
                    recipe.name(),
                    "the recipe needs a calibration text",
                    "add --calibration FILE, or --calibration-source for sources without one");
        }
        Preflight.of(model, plan, plan.needsCalibration() ? calibration : null, compute, workers.threads())
                .check(directory);
        ModelHealth.check(model.checkpoint());
        this.calibration = plan.needsCalibration() ? calibration : null;
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
        if (model.packed() || model.foreign()) {
            throw new InputException(
                    "HT-432",
                    model.path().toString(),
                    "is already quantized (" + model.quantization() + ")",
                    "quantize the model it was made from");
        }
        QuantizationPlan.of(recipe, model.spec());
        OutputDirectory.prepare(directory);
    }

    /**
     * Quantizes, writes the model, and reads it back.
     *
     * @param provenance written into the result
     * @param resume go on from what an earlier run with equal arguments has finished
     * @throws InputException HT-435 if the earlier run had other arguments
     */
    public QuantizationResult run(Provenance provenance, boolean resume, Progress progress) {
        try {
            String key = key(provenance);
            Optional<Manifest> before = resume ? output.work().resume(key) : Optional.empty();
            if (before.isEmpty()) {
                output.work().begin();
            }
            try (Decoder decoder = clock.time("load", () -> model.decoder(compute));
                    Sequences sequences = begin(decoder);
                    BlockTransforms transforms = transforms(decoder)) {
                if (before.isPresent()) {
                    restore(before.get(), sequences, transforms);
                }
                solveBlocks(decoder, key, sequences, transforms, progress);
                if (transforms != null) {
                    transformed.addAll(transforms.reports());
                }
            }
            clock.time("save", () -> output.assemble(model, formats, rounding));
            Evidence evidence = readBack(provenance);
            clock.time("save", () -> output.finish(evidence));
            return new QuantizationResult(
                    evidence, clock.phases(), clock.total(), PeakMemory.bytes(), fellBack && !recipe.fallbackAllowed());
        } catch (IOException | UncheckedIOException e) {
            throw new ResourceException(
                    "HT-502",
                    output.toString(),
                    "cannot be written: " + e,
                    "free some space and run again with --resume");
        }
    }

    /** The same from the beginning. */
    public QuantizationResult run(Provenance provenance, Progress progress) {
        return run(provenance, false, progress);
    }

    /** What a finished run wrote about itself into its directory; empty if it has not come so far. */
    public static Optional<Evidence> finished(Path directory) {
        return OutputDirectory.finished(directory);
    }

    /** Of everything that the bytes of the result depend on. */
    private String key(Provenance provenance) {
        CalibrationSet set = calibration;
        return Provenance.sha256(provenance + (set == null ? "" : set.report().toString()) + compute);
    }

    private void restore(Manifest manifest, @Nullable Sequences sequences, @Nullable BlockTransforms transforms)
            throws IOException {
        done = manifest.blocks();
        fellBack = manifest.fellBack();
        sites.addAll(manifest.sites());
        formats.putAll(PackedLayout.formats(manifest.packing(), output.toString()));
        if (transforms != null) {
            transforms.reports().addAll(manifest.transforms());
        }
        output.work().restore(manifest, sequences, transforms == null ? null : transforms.original());
    }

    private void solveBlocks(
            Decoder decoder,
            String key,
            @Nullable Sequences sequences,
            @Nullable BlockTransforms transforms,
            Progress progress)
            throws IOException {
        int blocks = model.spec().layers();
        while (done < blocks) {
            int index = done;
            EditedWeights weights = new EditedWeights(model.weights());
            if (transforms != null) {
                transforms.apply(index, weights);
            }
            List<StoredPart> parts = new ArrayList<>();
            try (DecoderBlock block = clock.time("load", () -> decoder.block(index, weights))) {
                quantize(block, weights, sequences, index == blocks - 1, parts);
            }
            done++;
            long from = System.nanoTime();
            try (Arena arena = Arena.ofShared()) {
                List<LinearSite> linears = block(index);
                parts.addAll(EditedParts.of(weights, linears, formats.keySet(), arena));
                parts.addAll(PackedLayout.parts(rounding, linears, arena));
                ObjectNode packing = JsonMapper.shared().createObjectNode();
                PackedLayout.describe(packing, formats, rounding);
                Manifest manifest = new Manifest(
                        key, done, fellBack, transforms == null ? List.of() : transforms.reports(), sites, packing);
                output.work().finish(manifest, parts, sequences, transforms == null ? null : transforms.original());
            }
            clock.add("save", from);
            progress.update(done, blocks);
        }
    }

    private @Nullable Sequences begin(Decoder decoder) {
        CalibrationSet set = calibration;
        return set == null
                ? null
                : clock.time(
                        "forward",
                        () -> new Sequences(
                                decoder, set.sequences(), workers, output.work().path()));
    }

    private List<LinearSite> block(int index) {
        return model.spec().stages(index).stream().flatMap(List::stream).toList();
    }

    private @Nullable BlockTransforms transforms(Decoder decoder) {
        Sequences original = recipe.transforms().isEmpty() ? null : begin(decoder);
        return original == null
                ? null
                : new BlockTransforms(recipe.transforms(), plan, decoder, original, rounding, workers, clock);
    }

    private void quantize(
            DecoderBlock block,
            EditedWeights weights,
            @Nullable Sequences sequences,
            boolean lastBlock,
            List<StoredPart> parts) {
        block.roundInputs(recipe.propagateQuantized() ? rounding : rounding.scaled());
        AtomicReference<@Nullable Activations> input =
                new AtomicReference<>(sequences == null ? null : clock.time("forward", () -> sequences.begin(block)));
        for (int stage = 0; stage < block.stages().size(); stage++) {
            List<LinearSite> members = block.stages().get(stage);
            Activations activations = input.get();
            Gram gram = activations == null ? null : clock.time("statistics", () -> statistics(activations, members));
            for (LinearSite site : members) {
                plan.step(site).ifPresent(step -> solve(block, weights, site, step, gram, parts));
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

    /** H of what the linears read, if one of them asks for it; finds ranges of static inputs on the way. */
    private @Nullable Gram statistics(Activations activations, List<LinearSite> members) {
        float[] scale = rounding.scales().get(members.getFirst().weight());
        Activations seen = scale == null
                ? activations
                : activations.dividedBy(scale, output.work().path(), workers);
        try {
            if (plan.needsRange(members)) {
                ChannelSums sums = ChannelSums.of(seen, workers);
                Range range = new Range(sums.low(), sums.high());
                members.stream().filter(plan::isStatic).forEach(site -> rounding.calibrate(site.weight(), range));
            }
            return plan.needsGram(members) ? GramService.of(seen, workers) : null;
        } finally {
            if (seen != activations) {
                seen.close();
            }
        }
    }

    private void solve(
            DecoderBlock block,
            EditedWeights weights,
            LinearSite site,
            WeightStep step,
            @Nullable Gram gram,
            List<StoredPart> parts) {
        float[] weight = clock.time("load", () -> ChannelFold.matrix(site, weights));
        WeightProblem problem = new WeightProblem(site.weight(), weight, site.out(), site.in(), gram);
        SolvedWeight solved = clock.time("solve", () -> step.solver().solve(problem, step.format(), workers));
        PackedWeight packed = solved.packed();
        clock.time("pack", () -> {
            parts.addAll(PackedLayout.parts(site.weight(), packed));
            if (recipe.propagateQuantized()) {
                block.replace(site, packed.decode());
            }
        });
        formats.put(site.weight(), packed.format());
        List<EventReport> reports = solved.events().stream()
                .map(event -> EventReport.of(site.weight(), event))
                .toList();
        fellBack |= solved.events().stream().anyMatch(Event::weaker);
        sites.add(new SiteReport(
                site.weight(),
                step.solver().name(),
                packed.format().label(),
                inputs(site),
                8.0 * packed.byteSize() / ((double) site.out() * site.in()),
                known(solved.proxyLoss()),
                known(solved.rtnLoss()),
                gram == null ? 0 : gram.tokens(),
                gram == null ? null : gram.trace(),
                solved.codesChanged(),
                reports));
    }

    private @Nullable String inputs(LinearSite site) {
        InputFormat format = plan.inputs().get(site.weight());
        return format == null ? null : format.label();
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
                    List.copyOf(transformed),
                    List.copyOf(sites),
                    sites.stream().flatMap(site -> site.events().stream()).toList(),
                    provenance);
        }
    }
}
