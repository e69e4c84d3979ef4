package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.PackedLayout;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.QuantizationResult.CacheReport;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.tensor.Workers;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a run has found so far: into the manifest behind each block, out of it when a run is resumed, and into the evidence at its end. */
final class RunResults {
    private static final int SCHEMA = 1;

    private final Recipe recipe;
    private final InputRounding rounding;
    private final SolvedSites solved;
    private final StageSolver stages;
    private final Reconstructions reconstructions;

    RunResults(Recipe recipe, QuantizationPlan plan, Workers workers, PhaseClock clock) {
        this.recipe = recipe;
        this.rounding = new InputRounding(plan.inputs());
        this.solved = new SolvedSites(recipe, plan, workers, clock);
        this.stages = new StageSolver(plan, recipe.experts(), rounding, solved, workers, clock);
        this.reconstructions = new Reconstructions(recipe, plan, rounding, solved, workers);
    }

    /** How inputs are rounded, and what they are divided by. */
    InputRounding rounding() {
        return rounding;
    }

    SolvedSites solved() {
        return solved;
    }

    StageSolver stages() {
        return stages;
    }

    Reconstructions reconstructions() {
        return reconstructions;
    }

    /** Names of the weights that are stored in a number format or in blocks. */
    Set<String> packed() {
        Set<String> packed = new HashSet<>(solved.formats().keySet());
        packed.addAll(solved.layouts().keySet());
        return packed;
    }

    /** @param place for messages */
    void restore(Manifest manifest, String place) {
        solved.restore(manifest, place);
        stages.coverage().addAll(manifest.experts());
        reconstructions.reports().addAll(manifest.reconstructions());
    }

    /**
     * What a later run has to know to go on.
     *
     * @param key of the run's arguments
     * @param blocks that are finished
     */
    Manifest manifest(String key, int blocks, List<TransformReport> transforms) {
        ObjectNode packing = JsonMapper.shared().createObjectNode();
        PackedLayout.describe(packing, solved.formats(), rounding);
        PackedBlocks.describe(packing, solved.layouts());
        return new Manifest(
                key,
                blocks,
                solved.fellBack(),
                transforms,
                reconstructions.reports(),
                stages.coverage(),
                solved.reports(),
                packing);
    }

    /**
     * What the model that was written says of itself.
     *
     * @param written opened as a user would
     * @param read the data that the run has read in any way
     */
    Evidence evidence(
            ModelFile written,
            @Nullable CalibrationSet read,
            List<TransformReport> transforms,
            @Nullable DistillationReport distillation,
            Provenance provenance) {
        return new Evidence(
                SCHEMA,
                recipe.name(),
                written.bitsPerLinearWeight(),
                written.bitsPerParameter(),
                read == null ? null : read.report(),
                written.cache().formats().isEmpty() ? null : CacheReport.of(written),
                List.copyOf(transforms),
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
