package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.BlockQuantizer.Streams;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.solver.OutlierMask;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Runs a recipe on a model, block by block. In a block, stage by stage: the inputs that the already quantized model gives are
 * observed, the stage's weights are solved and replaced, and the sequences go on through the replaced weights. One block is
 * in memory at a time.
 */
public final class Quantizer {
    /** How far a run has come. */
    @FunctionalInterface
    public interface Progress {
        /** Called before the first block: blocks that an earlier run has finished, blocks in all that are worked on. */
        default void begin(int found, int total) {}

        /** Called after each block: blocks done, blocks in all that are worked on. */
        void update(int done, int total);

        /** Called after each step of a training of the whole model: steps done, steps in all. */
        default void distilled(int done, int total) {}
    }

    private final ModelFile model;
    private final Recipe recipe;
    private final QuantizationPlan plan;
    /** What goes through the model block by block. */
    private final @Nullable CalibrationSet calibration;

    /** What the run reads in any way. */
    private final @Nullable CalibrationSet read;

    private final Compute compute;
    private final Workers workers;
    private final OutputDirectory output;
    private final Spill.When spill;
    private final PhaseClock clock = new PhaseClock(
            "load", "forward", "statistics", "transform", "solve", "evidence", "pack", "save", "distill");
    private final List<TransformReport> transformed = new ArrayList<>();
    private final RunResults results;
    private final List<Double> blockSeconds = new ArrayList<>();
    private int done;

    /** The same with activations in memory where they fit. */
    public Quantizer(
            ModelFile model,
            Recipe recipe,
            @Nullable CalibrationSet calibration,
            Compute compute,
            Path directory,
            Workers workers) {
        this(model, recipe, calibration, compute, directory, Spill.When.LARGE, workers);
    }

    /**
     * Checks everything that can be checked before the work; nothing is written yet.
     *
     * @param calibration null if the recipe needs none
     * @param compute in what the calibration sequences go through the model; second moments and solvers do not depend on it
     * @param directory must not exist, or be empty
     * @param spill which activations wait in files beside the directory; the result does not depend on it
     */
    public Quantizer(
            ModelFile model,
            Recipe recipe,
            @Nullable CalibrationSet calibration,
            Compute compute,
            Path directory,
            Spill.When spill,
            Workers workers) {
        this.model = model;
        this.spill = spill;
        this.compute = compute;
        this.recipe = recipe;
        check(model, recipe, directory);
        this.plan = QuantizationPlan.of(recipe, model.spec());
        this.results = new RunResults(recipe, plan, workers, clock);
        if (plan.needsCalibration() && calibration == null) {
            throw new InputException(
                    "HT-433",
                    recipe.name(),
                    "the recipe needs a calibration text",
                    "add --calibration FILE, or --calibration-source for sources without one");
        }
        Preflight.of(model, plan, plan.needsSequences() ? calibration : null, compute, spill, workers.threads())
                .check(directory);
        ModelHealth.check(model.checkpoint());
        this.read = plan.needsCalibration() ? calibration : null;
        this.calibration = plan.needsSequences() ? calibration : null;
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
            SolvedSites solved = results.solved();
            OuterBlocks outer = clock.time("solve", () -> new OuterBlocks(model, plan.outer(), workers));
            solved.layouts().putAll(outer.layouts());
            clock.time("statistics", () -> solved.choose(gradientOutliers()));
            CalibrationStreams begun =
                    new CalibrationStreams(model, recipe, plan, calibration, compute, outer, spill(), workers, clock);
            try (Decoder decoder = begun.decoder();
                    Sequences sequences = begun.begin(decoder);
                    BlockTransforms transforms = begun.transforms(decoder, results.rounding());
                    OriginalStream original = begun.original(decoder)) {
                if (decoder != null) {
                    decoder.keepOnlyBlocks();
                }
                Streams streams = new Streams(decoder, sequences, transforms, original);
                if (before.isPresent()) {
                    restore(before.get(), streams);
                }
                progress.begin(done, plan.blocks());
                quantizeBlocks(streams, key, outer, progress);
                transformed.addAll(streams.transformReports());
            }
            clock.time(
                    "save",
                    () -> output.assemble(model, solved.formats(), solved.layouts(), results.rounding(), plan.cache()));
            DistillationReport distillation = clock.time("distill", () -> distill(progress));
            Evidence evidence = readBack(provenance, distillation);
            clock.time("save", () -> output.finish(evidence));
            return new QuantizationResult(
                    evidence,
                    clock.phases(),
                    clock.total(),
                    blockSeconds,
                    PeakMemory.bytes(),
                    solved.fellBack() && !recipe.fallbackAllowed());
        } catch (IOException | UncheckedIOException e) {
            throw unwritable(e);
        }
    }

    /** The same from the beginning. */
    public QuantizationResult run(Provenance provenance, Progress progress) {
        return run(provenance, false, progress);
    }

    /**
     * The same with pieces of it computed elsewhere, in any order: for recipes whose blocks do not wait for one another.
     *
     * @param elsewhere is closed behind the last piece
     * @param threads of one piece
     * @throws InputException HT-687 for another recipe
     */
    public QuantizationResult run(Provenance provenance, PieceExecutor elsewhere, int threads, Progress progress) {
        checkSpread(model, recipe);
        try {
            output.work().begin();
            SpreadSetting setting = SpreadSetting.of(
                    model, provenance, recipe, compute, output.work().path(), threads);
            SpreadRun spread = new SpreadRun(setting, model.spec(), plan, calibration, SpreadRun.ROOM);
            List<Manifest> manifests = clock.time("solve", () -> {
                try (elsewhere) {
                    return spread.run(elsewhere, progress);
                }
            });
            SolvedSites all = new SolvedSites(recipe, plan, workers, clock);
            manifests.forEach(manifest -> all.restore(manifest, output.toString()));
            output.work()
                    .conclude(BlockPiece.manifest(key(provenance), model.spec().layers(), all, results.rounding()));
        } catch (IOException | UncheckedIOException e) {
            throw unwritable(e);
        }
        return run(provenance, true, (_, _) -> {});
    }

    /**
     * What costs no time to check before pieces are computed elsewhere.
     *
     * @throws InputException HT-687 for a recipe whose blocks wait for one another
     */
    public static void checkSpread(ModelFile model, Recipe recipe) {
        SpreadRun.check(recipe, QuantizationPlan.of(recipe, model.spec()), model.spec());
    }

    private ResourceException unwritable(Exception cause) {
        return new ResourceException(
                "HT-502",
                output.toString(),
                "cannot be written: " + cause,
                "free some space and run again with --resume");
    }

    /** What a finished run wrote about itself into its directory; empty if it has not come so far. */
    public static Optional<Evidence> finished(Path directory) {
        return OutputDirectory.finished(directory);
    }

    /** Of everything that the bytes of the result depend on. */
    private String key(Provenance provenance) {
        CalibrationSet set = read;
        return Provenance.sha256(provenance + (set == null ? "" : set.report().toString()) + compute);
    }

    private void restore(Manifest manifest, Streams streams) throws IOException {
        done = manifest.blocks();
        results.restore(manifest, output.toString());
        BlockTransforms transforms = streams.transforms();
        if (transforms != null) {
            transforms.reports().addAll(manifest.transforms());
        }
        if (done < plan.blocks()) {
            output.work().restore(manifest, streams.sequences(), streams.reference());
        }
    }

    private void quantizeBlocks(Streams streams, String key, OuterBlocks outer, Progress progress) throws IOException {
        BlockQuantizer quantizer = new BlockQuantizer(model.spec(), recipe, plan, streams, results, spill(), clock);
        int blocks = model.spec().layers();
        while (done < blocks) {
            int index = done;
            long begun = System.nanoTime();
            EditedWeights weights = new EditedWeights(model.weights());
            List<StoredPart> parts = new ArrayList<>(index == 0 ? outer.parts() : List.of());
            if (index < plan.blocks()) {
                quantizer.quantize(index, weights, parts);
            }
            done++;
            long from = System.nanoTime();
            save(index, weights, parts, key, streams);
            clock.add("save", from);
            if (index < plan.blocks()) {
                blockSeconds.add((System.nanoTime() - begun) / 1e9);
                progress.update(done, plan.blocks());
            }
        }
    }

    private void save(int index, EditedWeights weights, List<StoredPart> parts, String key, Streams streams)
            throws IOException {
        List<LinearSite> linears =
                model.spec().stages(index).stream().flatMap(List::stream).toList();
        try (Arena arena = Arena.ofShared()) {
            parts.addAll(EditedParts.of(weights, linears, results.packed(), arena));
            parts.addAll(PackedLayout.parts(results.rounding(), linears, arena));
            Manifest manifest = results.manifest(key, done, streams.transformReports());
            // Nobody goes on from behind the last block that is worked on.
            boolean more = done < plan.blocks();
            output.work().finish(manifest, parts, more ? streams.sequences() : null, more ? streams.reference() : null);
        }
    }

    private Map<String, OutlierMask> gradientOutliers() {
        CalibrationSet set = read;
        return set == null || plan.gradients().isEmpty()
                ? Map.of()
                : new GradientOutliers(model, plan.gradients(), compute, spill(), workers).of(set.sequences());
    }

    private Spill spill() {
        return new Spill(output.work().path(), spill);
    }

    /** Trains what was assembled, where the recipe says so. */
    private @Nullable DistillationReport distill(Progress progress) {
        DistillationStep step = recipe.distillation();
        CalibrationSet set = read;
        return step == null || set == null
                ? null
                : new Distillations(model, compute, spill(), workers)
                        .train(step, output.staging(), set.sequences(), progress);
    }

    /** Opens what was written, as a user would, and counts what it stores. */
    private Evidence readBack(Provenance provenance, @Nullable DistillationReport distillation) {
        try (ModelFile written = ModelFile.open(output.staging())) {
            return results.evidence(written, read, transformed, distillation, provenance);
        }
    }
}
