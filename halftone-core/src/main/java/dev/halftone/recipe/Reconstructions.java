package dev.halftone.recipe;

import dev.halftone.format.InputRounding;
import dev.halftone.format.StoredWeight;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.SiteObserver;
import dev.halftone.recipe.QuantizationResult.ReconstructionReport;
import dev.halftone.recipe.Recipe.ReconstructionStep;
import dev.halftone.reconstruct.BlockReconstruction;
import dev.halftone.reconstruct.BlockReconstruction.Options;
import dev.halftone.reconstruct.BlockReconstruction.Outcome;
import dev.halftone.reconstruct.SignRound;
import dev.halftone.reconstruct.TrainedWeight;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Trains the weights of a block behind its solvers, step by step as the recipe says. */
final class Reconstructions {
    private final Recipe recipe;
    private final QuantizationPlan plan;
    private final InputRounding rounding;
    private final SolvedSites solved;
    private final Workers workers;
    private final List<ReconstructionReport> reports = new ArrayList<>();

    Reconstructions(Recipe recipe, QuantizationPlan plan, InputRounding rounding, SolvedSites solved, Workers workers) {
        this.recipe = recipe;
        this.plan = plan;
        this.rounding = rounding;
        this.solved = solved;
        this.workers = workers;
    }

    /** What was done so far. */
    List<ReconstructionReport> reports() {
        return reports;
    }

    /** True if weights of the block are trained. */
    boolean concerns(DecoderSpec spec, int index) {
        return spec.stages(index).stream()
                .flatMap(List::stream)
                .anyMatch(site -> plan.reconstruction(site).isPresent());
    }

    /**
     * Trains a block whose weights are solved, and takes the sequences through what has become of it.
     *
     * @param before residual streams of the quantized model before the block
     * @param target residual streams of the original behind it
     */
    void train(StageSolver.Run run, Decoder decoder, Activations before, Activations target) {
        for (ReconstructionStep step : recipe.reconstructions()) {
            List<LinearSite> sites = run.block().sites().stream()
                    .filter(site -> plan.reconstruction(site).equals(Optional.of(step)))
                    .toList();
            if (!sites.isEmpty()) {
                train(run, decoder, step, sites, before, target);
            }
        }
        if (recipe.propagateQuantized()) {
            run.sequences().goTo(before);
            run.sequences().forward(run.block(), SiteObserver.NONE);
        }
    }

    private void train(
            StageSolver.Run run,
            Decoder decoder,
            ReconstructionStep step,
            List<LinearSite> sites,
            Activations before,
            Activations target) {
        Map<String, StoredWeight> running = solved.running();
        EditedWeights fixed = new EditedWeights(run.weights());
        List<TrainedWeight> trained = new ArrayList<>();
        for (LinearSite site : run.block().sites()) {
            StoredWeight start = running.get(site.weight());
            if (start != null && sites.contains(site)) {
                trained.add(new SignRound(site, ChannelFold.matrix(site, run.weights()), start));
            } else if (start != null) {
                fixed.set(site, start.decode());
            }
        }
        Options asked = step.options();
        Options options = new Options(asked.iterations(), asked.batch(), asked.rate(), asked.seed() + run.index());
        BlockReconstruction reconstruction = new BlockReconstruction(
                decoder,
                run.index(),
                new BlockReconstruction.Setting(fixed, rounding.scaled()),
                new BlockReconstruction.Data(run.sequences(), before, target),
                trained,
                workers);
        Outcome outcome = reconstruction.train(options);
        for (TrainedWeight weight : trained) {
            StoredWeight packed = weight.packed();
            running.put(weight.site().weight(), packed);
            solved.replace(run.block(), weight.site(), packed, weight.changed(), run.parts());
        }
        reports.add(new ReconstructionReport(
                run.index(),
                "signround",
                options.iterations(),
                outcome.iteration(),
                outcome.before(),
                outcome.after()));
    }
}
