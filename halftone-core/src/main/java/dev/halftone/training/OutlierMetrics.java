package dev.halftone.training;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Torch;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** How heavy the tails of the residual stream and of the linears' inputs are in one forward pass. */
final class OutlierMetrics implements SiteObserver {
    private final Set<String> wanted = new HashSet<>();
    private final List<Site> sites = new ArrayList<>();

    /**
     * All elements pooled.
     *
     * @param kurtosis mean((x - mean)^4) / variance^2; a Gaussian has 3
     * @param maxToMedian max |x| / median |x|; 0 where the median is 0, as after a ReLU
     */
    record Site(String name, double kurtosis, double maxToMedian) {}

    /** Looks at the residual stream behind each block, and once at an input that several linears share. */
    OutlierMetrics(DecoderSpec spec) {
        for (int i = 0; i < spec.layers(); i++) {
            wanted.add(spec.blockName(i) + ".output");
            spec.stages(i).forEach(stage -> wanted.add(stage.getFirst().input()));
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

    static Site of(String name, Tensor value) {
        Tensor x = value.detach().to(ScalarType.Double).reshape(-1);
        Tensor square = x.sub(x.mean()).square();
        double variance = square.mean().item_double();
        double fourth = square.square().mean().item_double();
        Tensor magnitude = x.abs();
        double median = magnitude.median().item_double();
        double max = magnitude.max().item_double();
        return new Site(name, variance == 0 ? 0 : fourth / (variance * variance), median == 0 ? 0 : max / median);
    }
}
