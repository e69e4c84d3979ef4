package dev.halftone.training;

import dev.halftone.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Moves every matrix inside the blocks by its momentum made orthogonal, and all other parameters by {@link AdamW}.
 *
 * <p>Source: Jordan et al., "Muon", 2024; the scaling that gives steps the size of Adam's is that of arXiv:2502.16982, so one
 * rate serves both groups, as in Outlier-Safe Pre-Training (arXiv:2506.19697). W (m, n), gradient G, momentum B:
 *
 * <pre>
 * B = beta B + G;  U = G + beta B;  X = orthogonal(U);  W = W - rate (0.2 sqrt(max(m, n)) X + decay W)
 * </pre>
 *
 * <p>B lies where AdamW has its first moments, which these matrices do not need.
 */
final class Muon implements Optimizer {
    private static final double A = 3.4445;
    private static final double B = -4.7750;
    private static final double C = 2.0315;
    private static final int ITERATIONS = 5;

    private final Options options;
    private final AdamW others;
    private final Map<Long, long[]> matrices = new HashMap<>();
    private final List<Piece> pieces = new ArrayList<>();

    /** @param momentum beta of the matrices in the blocks; {@code others} for everything else, and the weight decay of all */
    public record Options(double momentum, AdamW.Options others) implements OptimizerOptions {}

    Muon(Options options, Parameters parameters, Arena arena) {
        this.options = options;
        this.others = new AdamW(options.others(), parameters.pieces(), arena);
        for (Parameters.Place place : parameters.places()) {
            boolean matrix = place.tensor().shape().length > 1;
            if (matrix && place.inBlock()) {
                matrices.put(place.from(), place.tensor().shape());
                pieces.add(new Piece(place.from(), place.count(), true));
            } else {
                pieces.addAll(Parameters.pieces(place.from(), place.from() + place.count(), matrix));
            }
        }
    }

    @Override
    public List<Piece> pieces() {
        return pieces;
    }

    @Override
    public void update(MemorySegment values, MemorySegment gradient, Piece piece, double scale, double rate, int step) {
        long[] shape = matrices.get(piece.from());
        if (shape == null) {
            others.update(values, gradient, piece, scale, rate, step);
            return;
        }
        Tensor w = AdamW.slice(values, piece);
        Tensor g = AdamW.slice(gradient, piece).mul_(Tensors.scalar(scale));
        Tensor momentum = AdamW.slice(others.state().getFirst(), piece);
        momentum.mul_(Tensors.scalar(options.momentum())).add_(g);
        Tensor u = g.add(momentum, Tensors.scalar(options.momentum())).view(shape);
        double size = 0.2 * Math.sqrt((double) Math.max(shape[0], shape[1]));
        w.mul_(Tensors.scalar(1 - rate * options.others().weightDecay()));
        w.add_(orthogonal(u).to(ScalarType.Float).reshape(-1), Tensors.scalar(-rate * size));
    }

    /**
     * U with its singular values, as far as they are at least 1 % of its Frobenius norm, brought into 0.68 to 1.14: five steps of
     * Newton and Schulz in bfloat16, which is all the precision that this needs.
     */
    static Tensor orthogonal(Tensor u) {
        boolean tall = u.size(0) > u.size(1);
        Tensor x = tall ? u.t() : u;
        x = x.div(x.norm().add(Tensors.scalar(1e-8))).to(ScalarType.BFloat16).contiguous();
        for (int i = 0; i < ITERATIONS; i++) {
            Tensor a = x.matmul(x.t());
            Tensor b = a.matmul(a).mul(Tensors.scalar(C)).add(a, Tensors.scalar(B));
            x = b.matmul(x).add(x, Tensors.scalar(A));
        }
        return tall ? x.t() : x;
    }

    @Override
    public List<MemorySegment> state() {
        return others.state();
    }
}
