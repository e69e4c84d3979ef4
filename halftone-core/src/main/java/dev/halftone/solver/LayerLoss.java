package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Processor;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The error of a layer's output under the second moments of its input: tr(D H D^T), the objective of all layer-wise solvers. H is
 * symmetric: what stands right of the diagonal blocks counts twice instead of being multiplied twice. The diagonal and all sums are
 * float64. Products are float32, right to about 1e-6; of large weights, where rounding averages out, bfloat16 if the processor has
 * fast instructions for it: right to about 1e-4.
 */
public final class LayerLoss implements AutoCloseable {
    /** Pieces that rows are split into, fixed, so that sums do not depend on the number of workers; and most rows of one. */
    private static final int TILES = 8;

    private static final int ROWS = 512;

    /** Columns of H that are multiplied at once. */
    private static final int COLUMNS = 512;

    /** Elements of a weight whose rounding to bfloat16 averages out. */
    private static final int LARGE = 1 << 20;

    /** Rows of H that a thread takes at once. */
    private static final int STRIP = 64;

    /** The values of a rounded weight, row by row. */
    interface Rows {
        /** Puts row {@code row} of Q (out, in) into {@code target} from {@code at} on; called by several threads. */
        void read(int row, float[] target, int at);
    }

    private final WeightProblem problem;
    private final Workers workers;
    private final ScalarType type;

    /** H without its diagonal. */
    private final Tensor h;

    private final double[] diagonal;
    private final double whole;

    /** @param workers used until this is closed */
    public LayerLoss(WeightProblem problem, Gram gram, Workers workers) {
        this.problem = problem;
        this.workers = workers;
        this.type = problem.weight().length >= LARGE && Processor.multipliesBfloat16()
                ? ScalarType.BFloat16
                : ScalarType.Float;
        this.h = Torch.owned(() -> torch.empty(new long[] {gram.size(), gram.size()}, new TensorOptions(type), null));
        this.diagonal = gram.diagonal();
        workers.forEach(Math.ceilDiv(gram.size(), STRIP), strip -> narrow(gram, strip * STRIP));
        this.whole = trace(null);
    }

    /** Rows of H from {@code first} on, without the diagonal. */
    private void narrow(Gram gram, int first) {
        int in = gram.size();
        int rows = Math.min(STRIP, in - first);
        float[] narrow = new float[rows * in];
        for (int i = 0; i < narrow.length; i++) {
            narrow[i] = (float) gram.h()[first * in + i];
        }
        for (int i = 0; i < rows; i++) {
            narrow[i * in + first + i] = 0;
        }
        Tensors.slice(h, 0, first, first + rows).copy_(Tensors.of(narrow, rows, in));
    }

    /** A trace as a share of tr(W H W^T); 0 where the layer's output is 0 and so is the error. */
    public double relative(double absolute) {
        return absolute == 0 ? 0 : absolute / whole;
    }

    /** tr((W - Q) H (W - Q)^T). */
    public double absolute(float[] q) {
        int in = problem.in();
        return absolute((row, target, at) -> System.arraycopy(q, row * in, target, at, in));
    }

    /** The same of values that are nowhere else. */
    double absolute(Rows q) {
        return trace(q);
    }

    /** @param q null for zero */
    private double trace(@Nullable Rows q) {
        int in = problem.in();
        int tile = Math.clamp(Math.ceilDiv(problem.out(), TILES), STRIP, ROWS);
        double[] sums = new double[Math.ceilDiv(problem.out(), tile)];
        workers.forEach(sums.length, index -> {
            int from = index * tile;
            int rows = Math.min(tile, problem.out() - from);
            float[] difference = difference(q, from, rows);
            sums[index] = onDiagonal(difference);
            Tensor d = Tensors.of(difference, rows, in);
            Tensor factor = d.to(type);
            for (int column = 0; column < in; column += COLUMNS) {
                int first = column;
                int last = Math.min(in, first + COLUMNS);
                Torch.inScope(() -> {
                    Tensor own = Tensors.slice(d, 1, first, last);
                    double inside = product(factor, own, first, last, first, last);
                    sums[index] += inside + 2 * product(factor, own, 0, first, first, last);
                });
            }
        });
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    /** The share of the diagonal. */
    private double onDiagonal(float[] difference) {
        double sum = 0;
        for (int at = 0; at < difference.length; at += diagonal.length) {
            for (int j = 0; j < diagonal.length; j++) {
                double d = difference[at + j];
                sum += d * d * diagonal[j];
            }
        }
        return sum;
    }

    /** W - Q in these rows. */
    private float[] difference(@Nullable Rows q, int from, int rows) {
        int in = problem.in();
        float[] w = problem.weight();
        if (q == null) {
            return Arrays.copyOfRange(w, from * in, (from + rows) * in);
        }
        float[] difference = new float[rows * in];
        for (int row = 0; row < rows; row++) {
            q.read(from + row, difference, row * in);
        }
        for (int i = 0; i < difference.length; i++) {
            difference[i] = w[from * in + i] - difference[i];
        }
        return difference;
    }

    /** What rows {@code above} .. {@code below} - 1 of H contribute to the columns {@code first} .. {@code last} - 1 of D H times D. */
    private double product(Tensor d, Tensor own, int above, int below, int first, int last) {
        if (above == below) {
            return 0;
        }
        Tensor block = Tensors.slice(Tensors.slice(h, 0, above, below), 1, first, last);
        return Tensors.slice(d, 1, above, below)
                .matmul(block)
                .to(ScalarType.Float)
                .mul_(own)
                .sum(new ScalarTypeOptional(ScalarType.Double))
                .item_double();
    }

    @Override
    public void close() {
        h.close();
    }
}
