package dev.halftone.training;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.model.SiteObserver;
import dev.halftone.statistics.Accumulator;
import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.TensorMetrics;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/** How heavy the tails of the residual stream and of the linears' inputs are in one forward pass. */
final class OutlierMetrics implements SiteObserver {
    private final Set<String> wanted = new HashSet<>();
    private final List<Site> sites = new ArrayList<>();

    /**
     * All elements pooled.
     *
     * @param kurtosis plain, a Gaussian has 3
     * @param maxToMedian max |x| / median |x|, the median right to 6 %; 0 where it is 0, as after a ReLU
     */
    record Site(String name, double kurtosis, double maxToMedian) {}

    /** Looks at the residual stream behind each block, and once at an input that several linears share; not at those of single experts. */
    OutlierMetrics(DecoderSpec spec) {
        for (int i = 0; i < spec.layers(); i++) {
            wanted.add(spec.blockName(i) + ".output");
            spec.stages(i).stream()
                    .map(List::getFirst)
                    .filter(site -> site.part() != LinearSite.Part.EXPERT)
                    .forEach(site -> wanted.add(site.input()));
        }
    }

    /** In the order in which the model runs. */
    List<Site> sites() {
        return sites;
    }

    @Override
    public void observe(String site, Tensor value) {
        if (wanted.contains(site)) {
            Torch.inScope(() -> sites.add(of(site, value)));
        }
    }

    private static Site of(String name, Tensor value) {
        int channels = Math.toIntExact(value.size(-1));
        Accumulator accumulator = new Accumulator(channels, Limits.NONE);
        accumulator.add(Tensors.floats(value), Math.toIntExact(value.numel() / channels));
        TensorMetrics metrics = TensorMetrics.of(accumulator);
        return new Site(name, metrics.kurtosis(), metrics.maxToMedian());
    }
}
