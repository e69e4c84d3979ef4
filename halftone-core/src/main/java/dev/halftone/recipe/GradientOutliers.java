package dev.halftone.recipe;

import dev.halftone.format.ModelFile;
import dev.halftone.format.NumberFormat;
import dev.halftone.model.Decoder;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.GradientPass;
import dev.halftone.model.GradientPass.Fold;
import dev.halftone.model.LinearSite;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.solver.GradientChooser;
import dev.halftone.solver.OutlierChoice;
import dev.halftone.solver.OutlierMask;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Outliers that gradients choose, before the first block is solved: all of them see the original model, and none a model that is
 * quantized in part. Of each gradient nothing stays but the places of the outliers.
 */
final class GradientOutliers {
    private final ModelFile model;
    private final Map<String, WeightStep> steps;
    private final Compute compute;
    private final Spill spill;
    private final Workers workers;

    /** @param steps of the weights whose outliers are chosen so */
    GradientOutliers(ModelFile model, Map<String, WeightStep> steps, Compute compute, Spill spill, Workers workers) {
        this.model = model;
        this.steps = steps;
        this.compute = compute;
        this.spill = spill;
        this.workers = workers;
    }

    /**
     * The outliers by weight; none for a weight that no gradient reaches.
     *
     * @param sequences of calibration, of which as many are read as the step asks for most
     */
    Map<String, OutlierMask> of(List<int[]> sequences) {
        int samples = steps.values().stream()
                .mapToInt(step ->
                        chooser(step.solver().gradientChoice().orElseThrow()).samples())
                .max()
                .orElse(1);
        Map<String, OutlierMask> chosen = new LinkedHashMap<>();
        EditedWeights weights = new EditedWeights(model.weights());
        List<int[]> read = sequences.subList(0, Math.min(samples, sequences.size()));
        try (Decoder decoder = model.decoder(compute);
                GradientPass pass =
                        new GradientPass(decoder, read, GradientPass.nextToken(decoder, read), spill, workers)) {
            pass.run(Fold.MAGNITUDES, (site, magnitudes) -> {
                WeightStep step = steps.get(site.weight());
                if (step != null && positive(magnitudes)) {
                    chosen.put(site.weight(), choose(site, step, weights, magnitudes));
                }
            });
        }
        return chosen;
    }

    private OutlierMask choose(LinearSite site, WeightStep step, EditedWeights weights, float[] magnitudes) {
        float[] w = ChannelFold.matrix(site, weights);
        WeightProblem problem = new WeightProblem(site.weight(), w, site.out(), site.in(), null);
        OutlierChoice choice = step.solver().gradientChoice().orElseThrow();
        NumberFormat format = step.format();
        return chooser(choice).choose(magnitudes, problem, format, choice.count(problem), workers);
    }

    private static GradientChooser chooser(OutlierChoice choice) {
        if (choice.chooser() instanceof GradientChooser chooser) {
            return chooser;
        }
        throw new IllegalArgumentException(choice.chooser().name() + " reads no gradients");
    }

    private static boolean positive(float[] values) {
        for (float value : values) {
            if (value > 0) {
                return true;
            }
        }
        return false;
    }
}
