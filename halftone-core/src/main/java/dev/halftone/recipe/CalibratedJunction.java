package dev.halftone.recipe;

import dev.halftone.calibration.ChannelStatistics;
import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramService;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.StoredWeight;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.Junction;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.solver.LayerLoss;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightProblem;
import dev.halftone.statistics.ChannelSums;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import dev.halftone.transform.JunctionView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A junction of a block that stands on stored activations. Scales that were chosen already are divided out of what it shows; the
 * block itself, and the activations, stay as they are.
 */
final class CalibratedJunction implements JunctionView, AutoCloseable {
    private final Junction junction;
    private final DecoderBlock block;
    private final Sequences sequences;
    private final Activations x;
    private final QuantizationPlan plan;
    private final Workers workers;
    private final List<float[]> original;
    private final double[] divided;
    private ChannelStatistics statistics;
    private @Nullable Gram gram;
    private @Nullable Activations module;
    private final List<LayerLoss> losses = new ArrayList<>();

    /**
     * @param block untouched
     * @param sequences at the junction
     * @param x (tokens, channels), the junction's input
     * @param weights as the readers are now
     */
    CalibratedJunction(
            Junction junction,
            DecoderBlock block,
            Sequences sequences,
            Activations x,
            EditedWeights weights,
            QuantizationPlan plan,
            Workers workers) {
        this.junction = junction;
        this.block = block;
        this.sequences = sequences;
        this.x = x;
        this.plan = plan;
        this.workers = workers;
        this.original = junction.readers().stream()
                .map(reader -> ChannelFold.matrix(reader, weights))
                .toList();
        this.divided = new double[junction.width()];
        Arrays.fill(divided, 1);
        this.statistics = ChannelStatistics.of(ChannelSums.of(x, workers), x.rows());
    }

    /** From now on shows x / s. */
    void divide(double[] s) {
        statistics = statistics.dividedBy(s);
        gram = gram == null ? null : gram.dividedBy(s);
        forgetLosses();
        for (int c = 0; c < s.length; c++) {
            divided[c] *= s[c];
        }
    }

    private void forgetLosses() {
        losses.forEach(LayerLoss::close);
        losses.clear();
    }

    @Override
    public Junction junction() {
        return junction;
    }

    @Override
    public List<float[]> weights() {
        return original.stream().map(weight -> times(weight, false)).toList();
    }

    /** Columns times what was divided, or divided by it again. */
    private float[] times(float[] weight, boolean back) {
        float[] result = new float[weight.length];
        for (int row = 0; row < result.length; row += divided.length) {
            for (int c = 0; c < divided.length; c++) {
                result[row + c] = (float) (back ? weight[row + c] / divided[c] : weight[row + c] * divided[c]);
            }
        }
        return result;
    }

    @Override
    public ChannelStatistics statistics() {
        return statistics;
    }

    @Override
    public Gram gram() {
        Gram known = gram;
        if (known == null) {
            known = GramService.of(x, workers).dividedBy(divided);
            gram = known;
        }
        return known;
    }

    @Override
    public boolean quantized() {
        return junction.readers().stream().anyMatch(reader -> plan.step(reader).isPresent());
    }

    @Override
    public float[] rounded(int reader, float[] weight) {
        LinearSite site = junction.readers().get(reader);
        Optional<WeightStep> step = plan.step(site);
        if (step.isEmpty()) {
            return weight;
        }
        WeightProblem problem = new WeightProblem(site.weight(), weight, site.out(), site.in(), null);
        StoredWeight packed = new Rtn(ClipSearch.MIN_MAX)
                .find(problem, step.get().format(), workers)
                .packed();
        float[] values = new float[weight.length];
        workers.forEach(site.out(), row -> packed.decodeRow(row, values, row * site.in()));
        return values;
    }

    @Override
    public double outputError(List<float[]> weights) {
        if (losses.isEmpty()) {
            List<float[]> before = weights();
            for (int i = 0; i < before.size(); i++) {
                LinearSite site = junction.readers().get(i);
                losses.add(new LayerLoss(
                        new WeightProblem(site.weight(), before.get(i), site.out(), site.in(), gram()),
                        gram(),
                        workers));
            }
        }
        double sum = 0;
        for (int i = 0; i < losses.size(); i++) {
            sum += losses.get(i).absolute(weights.get(i))
                    / junction.readers().get(i).out();
        }
        return sum;
    }

    @Override
    public double moduleError(List<float[]> weights) {
        Activations before = module;
        if (before == null) {
            before = sequences.module(block, junction.stage(), x);
            module = before;
        }
        for (int i = 0; i < weights.size(); i++) {
            block.replace(junction.readers().get(i), times(weights.get(i), true));
        }
        try (Activations after = sequences.module(block, junction.stage(), x)) {
            return before.meanSquaredDifference(after, workers);
        } finally {
            for (int i = 0; i < weights.size(); i++) {
                block.replace(junction.readers().get(i), original.get(i));
            }
        }
    }

    @Override
    public void close() {
        forgetLosses();
        if (module != null) {
            module.close();
        }
    }
}
