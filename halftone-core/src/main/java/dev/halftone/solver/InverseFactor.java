package dev.halftone.solver;

import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** The triangular factor of an inverse that error-feedback solvers walk along. */
final class InverseFactor {
    /** Columns of the inverse that one piece of work computes. */
    private static final int COLUMNS = 96;

    private InverseFactor() {}

    /**
     * U, upper triangular with U^T U = H^-1, without forming the inverse: with J the reversal of the order, J H J = L L^T, and
     * U = J L^-1 J. Reversing both axes of a row-major matrix reverses its memory.
     *
     * @param h (n, n) symmetric
     * @return U (n, n), or null if H is not positive definite
     */
    static double @Nullable [] upper(double[] h, int n, Workers workers) {
        try (Tensor lower = Torch.owned(() -> {
            T_TensorTensor_T factored = torch.linalg_cholesky_ex(Tensors.of(reversed(h), n, n));
            // The pair owns its members: what leaves this scope must be a tensor of its own.
            return factored.get1().item_int() == 0 ? factored.get0().clone() : torch.empty(0);
        })) {
            if (lower.numel() == 0) {
                return null;
            }
            double[] u = new double[n * n];
            workers.forEach(Math.ceilDiv(n, COLUMNS), tile -> {
                int from = tile * COLUMNS;
                invert(lower, n, from, Math.min(n, from + COLUMNS), u);
            });
            return u;
        }
    }

    /** Columns from .. to-1 of L^-1, which start at the diagonal, into U = J L^-1 J. */
    private static void invert(Tensor lower, int n, int from, int to, double[] u) {
        Tensor rest = Tensors.slice(Tensors.slice(lower, 0, from, n), 1, from, n);
        Tensor unit = torch.eye(n - from, to - from, new TensorOptions(ScalarType.Double));
        double[] columns = Tensors.doubles(torch.linalg_solve_triangular(rest, unit, false));
        int width = to - from;
        for (int i = from; i < n; i++) {
            for (int j = from; j < to && j <= i; j++) {
                u[(n - 1 - i) * n + n - 1 - j] = columns[(i - from) * width + j - from];
            }
        }
    }

    private static double[] reversed(double[] values) {
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[values.length - 1 - i];
        }
        return result;
    }
}
