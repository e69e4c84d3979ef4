package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The error of a layer's output under the second moments of its input: tr(D H D^T), the objective of all layer-wise solvers. Products
 * in float32, sums in float64: right to about 1e-6. */
public final class LayerLoss implements AutoCloseable {
    /** Fixed, so that sums do not depend on the number of workers. */
    private static final int ROWS = 64;

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
        this.whole = trace(new float[problem.weight().length]);
    }

    /** A trace as a share of tr(W H W^T); 0 where the layer's output is 0 and so is the error. */
    public double relative(double absolute) {
        return absolute == 0 ? 0 : absolute / whole;
    }

    /** tr((W - Q) H (W - Q)^T). */
    public double absolute(float[] q) {
        return trace(q);
    }

    private double trace(float[] q) {
        int in = problem.in();
        int tiles = Math.ceilDiv(problem.out(), ROWS);
        double[] sums = new double[tiles];
        workers.forEach(tiles, tile -> {
            int from = tile * ROWS;
            int rows = Math.min(ROWS, problem.out() - from);
            float[] difference = new float[rows * in];
            for (int i = 0; i < difference.length; i++) {
                difference[i] = problem.weight()[from * in + i] - q[from * in + i];
            }
            Tensor d = Tensors.of(difference, rows, in);
            sums[tile] = d.matmul(h)
                    .mul_(d)
                    .sum(new ScalarTypeOptional(ScalarType.Double))
                    .item_double();
        });
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum;
    }

    @Override
    public void close() {
        h.close();
    }
}
