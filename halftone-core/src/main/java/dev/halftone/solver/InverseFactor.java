package dev.halftone.solver;

import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/** The triangular factor of an inverse that error-feedback solvers walk along. */
final class InverseFactor {
    private InverseFactor() {}

    /**
     * U, upper triangular with U^T U = H^-1, without forming the inverse: with J the reversal of the order, J H J = L L^T, and
     * U = J L^-1 J. Reversing both axes of a row-major matrix reverses its memory.
     *
     * @param h (n, n) symmetric
     * @return U (n, n), or null if H is not positive definite
     */
    static double @Nullable [] upper(double[] h, int n) {
        AtomicReference<double @Nullable []> result = new AtomicReference<>();
        Torch.inScope(() -> {
            T_TensorTensor_T factored = torch.linalg_cholesky_ex(Tensors.of(reversed(h), n, n));
            if (factored.get1().item_int() == 0) {
                Tensor identity = torch.eye(n, new TensorOptions(ScalarType.Double));
                Tensor inverse = torch.linalg_solve_triangular(factored.get0(), identity, false);
                result.set(reversed(Tensors.doubles(inverse)));
            }
        });
        return result.get();
    }

    private static double[] reversed(double[] values) {
        double[] result = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            result[i] = values[values.length - 1 - i];
        }
        return result;
    }
}
