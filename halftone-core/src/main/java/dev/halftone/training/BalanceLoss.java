package dev.halftone.training;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The loss that keeps a router from giving all tokens to a few experts: E sum_e f_e P_e per block, with f_e the share of slots that
 * expert e got and P_e its mean probability; 1 where all get the same. Source: Fedus et al., Switch Transformers,
 * arXiv:2101.03961, section 2.2, with k slots per token.
 */
final class BalanceLoss implements SiteObserver, AutoCloseable {
    private final DecoderSpec.@Nullable Experts experts;
    private final List<Tensor> blocks = new ArrayList<>();

    /** @param experts null for models without */
    BalanceLoss(DecoderSpec.@Nullable Experts experts) {
        this.experts = experts;
    }

    @Override
    public void observe(String site, Tensor value) {
        if (experts != null && site.endsWith(".router.probabilities")) {
            blocks.add(Torch.owned(() -> of(value, experts)));
        }
    }

    /** Of one block; p (tokens, experts). */
    static Tensor of(Tensor p, DecoderSpec.Experts experts) {
        Tensor chosen = p.detach().topk(experts.perToken(), 1, true, true).get1();
        Tensor slots = p.detach().mul(Tensors.scalar(0)).scatter(1, chosen, Tensors.scalar(1.0 / experts.perToken()));
        return slots.mean(new long[] {0}, false, new ScalarTypeOptional())
                .mul(p.mean(new long[] {0}, false, new ScalarTypeOptional()))
                .sum()
                .mul(Tensors.scalar(experts.count()));
    }

    /** The sum over the blocks; null where there are none. */
    @Nullable
    Tensor sum() {
        Tensor sum = null;
        for (Tensor block : blocks) {
            sum = sum == null ? block : sum.add(block);
        }
        return sum;
    }

    @Override
    public void close() {
        blocks.forEach(Tensor::close);
    }
}
