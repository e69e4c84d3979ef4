package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The error of a layer's output under the second moments of its input: tr(D H D^T), the objective of all layer-wise solvers. H is
 * symmetric: what stands right of the diagonal blocks counts twice instead of being multiplied twice. Products in float32, sums in
 * float64: right to about 1e-6.
 */
public final class LayerLoss implements AutoCloseable {
    /** Fixed, so that sums do not depend on the number of workers. */
    private static final int ROWS = 256;

    /** Columns of H that are multiplied at once. */
    private static final int COLUMNS = 512;

    private final WeightProblem problem;
    private final Workers workers;
    private final Tensor h;
    private final double whole;

    /** @param workers used until this is closed */
    public LayerLoss(WeightProblem problem, Gram gram, Workers workers) {
        this.problem = problem;
        this.workers = workers;
        this.h =
                Torch.owned(() -> Tensors.of(gram.h(), gram.size(), gram.size()).to(ScalarType.Float));
        this.whole = trace(null);
    }

    /** A trace as a share of tr(W H W^T); 0 where the layer's output is 0 and so is the error. */
    public double relative(double absolute) {
        return absolute == 0 ? 0 : absolute / whole;
    }

    /** tr((W - Q) H (W - Q)^T). */
    public double absolute(float[] q) {
        return trace(q);
    }

    /** @param q null for zero */
    private double trace(float @Nullable [] q) {
        int in = problem.in();
        int tiles = Math.ceilDiv(problem.out(), ROWS);
        double[] sums = new double[tiles];
        workers.forEach(tiles, tile -> {
            int from = tile * ROWS;
            int rows = Math.min(ROWS, problem.out() - from);
            float[] difference = Arrays.copyOfRange(problem.weight(), from * in, (from + rows) * in);
            for (int i = 0; q != null && i < difference.length; i++) {
                difference[i] -= q[from * in + i];
            }
            Tensor d = Tensors.of(difference, rows, in);
            for (int column = 0; column < in; column += COLUMNS) {
                int first = column;
                Torch.inScope(() -> sums[tile] += columns(d, first, Math.min(in, first + COLUMNS)));
            }
        });
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    /** The share of these columns, and of what stands above their diagonal block in H. */
    private double columns(Tensor d, int from, int to) {
        Tensor own = Tensors.slice(d, 1, from, to);
        Tensor columns = Tensors.slice(h, 1, from, to);
        Tensor product = own.matmul(Tensors.slice(columns, 0, from, to));
        if (from > 0) {
            product.add_(Tensors.slice(d, 1, 0, from).matmul(Tensors.slice(columns, 0, 0, from)), Tensors.scalar(2));
        }
        return product.mul_(own).sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
    }

    @Override
    public void close() {
        h.close();
    }
}
