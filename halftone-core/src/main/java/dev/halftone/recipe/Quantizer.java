package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.StoredPart;
import dev.halftone.model.CacheRounding;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.OriginalStream.Moments;
import dev.halftone.recipe.QuantizationResult.CacheReport;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.solver.OutlierMask;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
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
    private final SolvedSites solved;
    private final StageSolver stages;
    private final Reconstructions reconstructions;
    private final InputRounding rounding;
    private final List<Double> blockSeconds = new ArrayList<>();
    private @Nullable OriginalStream original;
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
        this.rounding = new InputRounding(plan.inputs());
        this.solved = new SolvedSites(recipe, plan, workers, clock);
        this.stages = new StageSolver(plan, recipe.experts(), rounding, solved, workers, clock);
        this.reconstructions = new Reconstructions(recipe, plan, rounding, solved, workers);
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
            OuterBlocks outer = clock.time("solve", () -> new OuterBlocks(model, plan.outer(), workers));
            solved.layouts().putAll(outer.layouts());
            clock.time("statistics", () -> solved.choose(gradientOutliers()));
            try (Decoder decoder = decoder(outer);
                    Sequences sequences = begin(decoder);
                    BlockTransforms transforms = transforms(decoder, outer);
                    OriginalStream stream = stream(decoder, outer)) {
                if (decoder != null) {
                    decoder.keepOnlyBlocks();
                }
                original = stream;
                if (before.isPresent()) {
                    restore(before.get(), sequences, transforms);
                }
                progress.begin(done, plan.blocks());
                solveBlocks(decoder, key, sequences, transforms, outer, progress);
                if (transforms != null) {
                    transformed.addAll(transforms.reports());
                }
            }
            clock.time(
                    "save", () -> output.assemble(model, solved.formats(), solved.layouts(), rounding, plan.cache()));
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
                    .conclude(BlockPiece.manifest(key(provenance), model.spec().layers(), all, rounding));
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

    private void restore(Manifest manifest, @Nullable Sequences sequences, @Nullable BlockTransforms transforms)
            throws IOException {
        done = manifest.blocks();
        solved.restore(manifest, output.toString());
        stages.coverage().addAll(manifest.experts());
        reconstructions.reports().addAll(manifest.reconstructions());
        if (transforms != null) {
            transforms.reports().addAll(manifest.transforms());
        }
        if (done < plan.blocks()) {
            output.work().restore(manifest, sequences, second(transforms));
        }
    }

    /** Null where nothing goes through the model: then embedding and head are not needed either. */
    private @Nullable Decoder decoder(OuterBlocks outer) {
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

    private void solveBlocks(
            @Nullable Decoder decoder,
            String key,
            @Nullable Sequences sequences,
            @Nullable BlockTransforms transforms,
            OuterBlocks outer,
            Progress progress)
            throws IOException {
        int blocks = model.spec().layers();
        while (done < blocks) {
            int index = done;
            long begun = System.nanoTime();
            EditedWeights weights = new EditedWeights(model.weights());
            List<StoredPart> parts = new ArrayList<>(index == 0 ? outer.parts() : List.of());
            if (index < plan.blocks()) {
                solveBlock(index, decoder, weights, sequences, transforms, parts);
            }
            done++;
            long from = System.nanoTime();
            try (Arena arena = Arena.ofShared()) {
                List<LinearSite> linears = block(index);
                parts.addAll(EditedParts.of(weights, linears, packed(), arena));
                parts.addAll(PackedLayout.parts(rounding, linears, arena));
                ObjectNode packing = JsonMapper.shared().createObjectNode();
                PackedLayout.describe(packing, solved.formats(), rounding);
                PackedBlocks.describe(packing, solved.layouts());
                Manifest manifest = new Manifest(
                        key,
                        done,
                        solved.fellBack(),
                        transforms == null ? List.of() : transforms.reports(),
                        reconstructions.reports(),
                        stages.coverage(),
                        solved.reports(),
                        packing);
                // Nobody goes on from behind the last block that is worked on.
                boolean more = done < plan.blocks();
                output.work().finish(manifest, parts, more ? sequences : null, more ? second(transforms) : null);
            }
            clock.add("save", from);
            if (index < plan.blocks()) {
                blockSeconds.add((System.nanoTime() - begun) / 1e9);
                progress.update(done, plan.blocks());
            }
        }
    }

    /** Transforms a block, solves its weights, and takes the sequences through what has become of it. */
    private void solveBlock(
            int index,
            @Nullable Decoder decoder,
            EditedWeights weights,
            @Nullable Sequences sequences,
            @Nullable BlockTransforms transforms,
            List<StoredPart> parts) {
        if (decoder == null || sequences == null) {
            for (LinearSite site : block(index)) {
                plan.step(site).ifPresent(step -> solved.solve(null, weights, site, step, null, true, parts));
            }
            return;
        }
        if (transforms != null) {
            transforms.apply(index, weights);
        }
        try (DecoderBlock block = clock.time("load", () -> decoder.block(index, weights))) {
            StageSolver.Run run = new StageSolver.Run(index, block, weights, sequences, spill(), parts);
            if (!reconstructions.concerns(model.spec(), index)) {
                quantize(run, index == plan.blocks() - 1);
                return;
            }
            Sequences reference = second(transforms);
            try (Activations before = clock.time("forward", sequences::copy)) {
                quantize(run, false);
                Activations target = (reference == null ? sequences : reference).residuals();
                clock.time("solve", () -> reconstructions.train(run, decoder, before, target));
            }
        }
    }

    private Map<String, OutlierMask> gradientOutliers() {
        CalibrationSet set = read;
        return set == null || plan.gradients().isEmpty()
                ? Map.of()
                : new GradientOutliers(model, plan.gradients(), compute, spill(), workers).of(set.sequences());
    }

    /** The original model's activations, where something compares with them. */
    private @Nullable Sequences second(@Nullable BlockTransforms transforms) {
        OriginalStream stream = original;
        return transforms != null ? transforms.original() : stream == null ? null : stream.sequences();
    }

    private Set<String> packed() {
        Set<String> packed = new HashSet<>(solved.formats().keySet());
        packed.addAll(solved.layouts().keySet());
        return packed;
    }

    private @Nullable OriginalStream stream(@Nullable Decoder decoder, OuterBlocks outer) {
        boolean compares = plan.reconstructs() && recipe.transforms().isEmpty() && recipe.propagateQuantized();
        Sequences sequences = plan.drifts() || compares ? beginOriginal(decoder, outer) : null;
        return sequences == null || decoder == null ? null : new OriginalStream(decoder, sequences, workers);
    }

    private @Nullable Sequences begin(@Nullable Decoder decoder) {
        CalibrationSet set = calibration;
        return set == null || decoder == null
                ? null
                : clock.time("forward", () -> new Sequences(decoder, set.sequences(), workers, spill()));
    }

    /** The same with the original embedding, where that was rounded. */
    private @Nullable Sequences beginOriginal(@Nullable Decoder decoder, OuterBlocks outer) {
        if (decoder == null || outer.isEmpty()) {
            return begin(decoder);
        }
        try (Decoder whole = clock.time("load", () -> model.decoder(compute))) {
            return begin(whole);
        }
    }

    private Spill spill() {
        return new Spill(output.work().path(), spill);
    }

    private List<LinearSite> block(int index) {
        return model.spec().stages(index).stream().flatMap(List::stream).toList();
    }

    private @Nullable BlockTransforms transforms(@Nullable Decoder decoder, OuterBlocks outer) {
        Sequences original = recipe.transforms().isEmpty() ? null : beginOriginal(decoder, outer);
        return original == null || decoder == null
                ? null
                : new BlockTransforms(recipe.transforms(), plan, decoder, original, rounding, spill(), workers, clock);
    }

    /** @param ends nothing reads what comes after the last weight of the block */
    private void quantize(StageSolver.Run run, boolean ends) {
        DecoderBlock block = run.block();
        Sequences sequences = run.sequences();
        solved.beginBlock();
        block.roundInputs(recipe.propagateQuantized() ? rounding : rounding.scaled());
        block.roundCache(recipe.propagateQuantized() ? plan.cache() : CacheRounding.PLAIN);
        OriginalStream stream = original;
        if (stream != null) {
            clock.time("forward", () -> stream.begin(done));
        }
        AtomicReference<@Nullable Activations> input =
                new AtomicReference<>(clock.time("forward", () -> sequences.begin(block)));
        for (int stage = 0; stage < block.stages().size(); stage++) {
            int current = stage;
            Activations activations = Objects.requireNonNull(input.get());
            Moments moments = stream == null || !plan.drifts()
                    ? null
                    : clock.time("statistics", () -> stream.moments(current, sequences, activations));
            stages.solve(run, stage, activations, moments);
            if (stream != null) {
                clock.time("forward", () -> stream.advance(current));
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
            return new Evidence(
                    SCHEMA,
                    recipe.name(),
                    written.bitsPerLinearWeight(),
                    written.bitsPerParameter(),
                    read == null ? null : read.report(),
                    written.cache().formats().isEmpty() ? null : CacheReport.of(written),
                    List.copyOf(transformed),
                    List.copyOf(reconstructions.reports()),
                    distillation,
                    List.copyOf(stages.coverage()),
                    List.copyOf(solved.reports()),
                    solved.reports().stream()
                            .flatMap(site -> site.events().stream())
                            .toList(),
                    provenance);
        }
    }
}
