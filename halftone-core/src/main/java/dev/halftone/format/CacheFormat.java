package dev.halftone.format;

import dev.halftone.error.InputException;
import dev.halftone.tensor.Tensors;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The plain integer cache: keys and values by token and head, in groups of neighbouring channels. A new token never changes what
 * is stored of the others, so it needs no window of floats.
 *
 * <p>Source: arXiv:2402.18158 (KV8 to KV2: asymmetric, groups of 128 or the whole head, turned keys). Deviation: the range is
 * extended to hold 0, where the authors' code clips groups whose values lie on one side of it; steps are rounded to FP16 before
 * codes are computed, as a cache stores them.
 *
 * @param bits 2 to 8
 * @param group channels that share a step; the whole head where it has no more
 * @param symmetric codes from -2^(bits-1) to 2^(bits-1) - 1, step max|x| / (2^(bits-1) - 1); else from 0 to 2^bits - 1 with a zero
 *     point of {@code bits} bits
 * @param turned keys are stored after rotary positions have turned them; else before
 */
public record CacheFormat(int bits, int group, boolean symmetric, boolean turned) {
    /** What recipes and files call this kind of cache. */
    public static final String METHOD = "int-token";

    /** What recipes and files call {@code turned}. */
    public static final String AFTER_ROPE = "after-rope";

    /** What recipes and files call keys that are not turned yet. */
    public static final String BEFORE_ROPE = "before-rope";

    /** Of arXiv:2402.18158. */
    public static final int DEFAULT_GROUP = 128;

    /** A smaller range gives no smaller step. */
    private static final double SMALLEST_RANGE = 1e-5;

    private static final int STEP_BITS = 16;

    public CacheFormat {
        if (bits < 2 || bits > 8 || group < 1) {
            throw new InputException(
                    "HT-311",
                    "",
                    "a cache of %d bits in groups of %d; allowed are 2 to 8 bits and groups of at least 1"
                            .formatted(bits, group),
                    "");
        }
    }

    /** When keys are stored, as recipes and files call it. */
    public String keys() {
        return turned ? AFTER_ROPE : BEFORE_ROPE;
    }

    /** True if heads of this width can be cut into groups. */
    public boolean divides(int headDim) {
        return headDim % share(headDim) == 0;
    }

    private int share(int headDim) {
        return Math.min(group, headDim);
    }

    /** Stored bits of a key's or value's element, steps and zero points included. */
    public double bitsPerElement(int headDim) {
        return bits + (double) (STEP_BITS + (symmetric ? 0 : bits)) / share(headDim);
    }

    /**
     * The values that the cache has for these.
     *
     * @param x (heads, tokens, headDim), any float type and device
     * @return a new tensor of the same shape and type
     */
    public Tensor round(Tensor x) {
        int share = share(Math.toIntExact(x.size(2)));
        Tensor groups = x.to(ScalarType.Float).reshape(x.size(0), x.size(1), x.size(2) / share, share);
        Tensor rounded = symmetric ? symmetric(groups) : asymmetric(groups);
        return rounded.reshape(x.size(0), x.size(1), x.size(2)).to(x.scalar_type());
    }

    private Tensor symmetric(Tensor x) {
        int most = (1 << (bits - 1)) - 1;
        Tensor step = step(x.abs().amax(new long[] {-1}, true), most);
        return clamp(x.div(step).round_(), -most - 1, most).mul_(step);
    }

    private Tensor asymmetric(Tensor x) {
        int most = (1 << bits) - 1;
        Tensor low = x.amin(new long[] {-1}, true).clamp(new ScalarOptional(), new ScalarOptional(new Scalar(0.0)));
        Tensor high = x.amax(new long[] {-1}, true).clamp_min(Tensors.scalar(0));
        Tensor step = step(high.sub(low), most);
        Tensor zero = clamp(low.div(step).neg().round_(), 0, most);
        return clamp(x.div(step).round_().add_(zero), 0, most).sub_(zero).mul_(step);
    }

    private static Tensor step(Tensor range, int steps) {
        return range.clamp_min(Tensors.scalar(SMALLEST_RANGE))
                .div(Tensors.scalar(steps))
                .to(ScalarType.Half)
                .to(ScalarType.Float);
    }

    private static Tensor clamp(Tensor x, double low, double high) {
        return x.clamp_(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
    }

    /** The name in reports: "int4 g64 per token and head, keys before RoPE". */
    public String label() {
        return "int%d%s g%d per token and head%s"
                .formatted(bits, symmetric ? " symmetric" : "", group, turned ? "" : ", keys before RoPE");
    }
}
