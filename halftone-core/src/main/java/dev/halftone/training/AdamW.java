package dev.halftone.training;

import dev.halftone.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Adam with decoupled weight decay.
 *
 * <p>Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2. m and v are float32, as long as the parameters.
 */
final class AdamW implements Optimizer {
    private final Options options;
    private final List<Piece> pieces;
    private final MemorySegment m;
    private final MemorySegment v;

    /** {@code weightDecay} applies to matrices, never to gains and biases. */
    public record Options(double beta1, double beta2, double eps, double weightDecay) implements OptimizerOptions {}

    AdamW(Options options, List<Piece> pieces, Arena arena) {
        this.options = options;
        this.pieces = pieces;
        long count = pieces.stream().mapToLong(Piece::count).sum();
        this.m = arena.allocate(count * Float.BYTES, 64);
        this.v = arena.allocate(count * Float.BYTES, 64);
    }

    @Override
    public List<Piece> pieces() {
        return pieces;
    }

    @Override
    public void update(MemorySegment values, MemorySegment gradient, Piece piece, double scale, double rate, int step) {
        Tensor w = slice(values, piece);
        Tensor g = slice(gradient, piece);
        Tensor first = slice(m, piece);
        Tensor second = slice(v, piece);
        if (scale != 1) {
            g.mul_(Tensors.scalar(scale));
        }
        if (piece.decayed() && options.weightDecay() > 0) {
            w.mul_(Tensors.scalar(1 - rate * options.weightDecay()));
        }
        first.lerp_(g, Tensors.scalar(1 - options.beta1()));
        second.mul_(Tensors.scalar(options.beta2())).addcmul_(g, g, Tensors.scalar(1 - options.beta2()));
        double correction1 = 1 - Math.pow(options.beta1(), step);
        double correction2 = Math.sqrt(1 - Math.pow(options.beta2(), step));
        Tensor denominator = second.sqrt().mul_(Tensors.scalar(1 / correction2)).add_(Tensors.scalar(options.eps()));
        w.addcdiv_(first, denominator, Tensors.scalar(-rate / correction1));
    }

    /** A piece of a memory of all parameters. */
    static Tensor slice(MemorySegment memory, Piece piece) {
        return Tensors.over(
                memory.asSlice(piece.from() * Float.BYTES, piece.count() * Float.BYTES),
                ScalarType.Float,
                piece.count());
    }

    @Override
    public List<MemorySegment> state() {
        return List.of(m, v);
    }
}
