package dev.halftone.recipe;

import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramService;
import dev.halftone.calibration.TokenSample;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.format.InputRounding;
import dev.halftone.model.LinearSite;
import dev.halftone.statistics.ChannelSums;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What calibration says about a common input of linears, as far as the plan asks.
 *
 * @param gram second moments; null if no solver wants them
 * @param range of static inputs; null if there are none
 */
record StageStatistics(@Nullable Gram gram, @Nullable Range range) {
    /** Of nothing. */
    static final StageStatistics NONE = new StageStatistics(null, null);

    /** Of what the linears read: {@code activations}, perhaps divided while the model runs. */
    static StageStatistics of(
            Activations activations,
            List<LinearSite> members,
            QuantizationPlan plan,
            InputRounding rounding,
            Spill spill,
            Workers workers) {
        float[] scale = rounding.scales().get(members.getFirst().weight());
        Activations seen = scale == null ? activations : activations.dividedBy(scale, spill, workers);
        try {
            Range range = null;
            if (plan.needsRange(members)) {
                ChannelSums sums = ChannelSums.of(seen, workers);
                range = new Range(sums.low(), sums.high());
            }
            Gram gram = plan.needsGram(members) ? GramService.of(seen, workers) : null;
            return new StageStatistics(
                    gram != null && plan.needsTokens(members) ? gram.withSample(TokenSample.of(seen)) : gram, range);
        } finally {
            if (seen != activations) {
                seen.close();
            }
        }
    }

    /** Tells the rounding of inputs the range of those among the linears that have a static one. */
    void calibrate(List<LinearSite> members, QuantizationPlan plan, InputRounding rounding) {
        Range known = range;
        if (known != null) {
            members.stream().filter(plan::isStatic).forEach(site -> rounding.calibrate(site.weight(), known));
        }
    }
}
