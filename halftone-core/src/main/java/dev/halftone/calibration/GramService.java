package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Sums second moments over stored activations. The result depends on the activations alone: H is cut into square tiles, each
 * tile is one piece of work that walks over the tokens in their order (float32 products of {@link #TOKENS} tokens, added up
 * in float64), and only the upper triangle is computed.
 */
public final class GramService {
    private static final int TOKENS = 2048;
    private static final int TILE = 192;

    private GramService() {}

    /**
     * H of the activations.
     *
     * @param activations (tokens, channels)
     */
    public static Gram of(Activations activations, Workers workers) {
        int n = activations.columns();
        int side = Math.ceilDiv(n, Math.ceilDiv(n, TILE));
        int tiles = Math.ceilDiv(n, side);
        double[] h = new double[Math.multiplyExact(n, n)];
        workers.forEach(tiles * (tiles + 1) / 2, index -> {
            int row = 0;
            int rest = index;
            while (rest >= tiles - row) {
                rest -= tiles - row;
                row++;
            }
            int i = row * side;
            int j = (row + rest) * side;
            tile(activations, i, Math.min(n, i + side), j, Math.min(n, j + side), h);
        });
        return new Gram(n, activations.rows(), h);
    }

    private static void tile(Activations activations, int i0, int i1, int j0, int j1, double[] h) {
        int n = activations.columns();
        Tensor sum = torch.zeros(new long[] {i1 - i0, j1 - j0}, new TensorOptions(ScalarType.Double));
        for (long from = 0; from < activations.rows(); from += TOKENS) {
            long start = from;
            long end = Math.min(activations.rows(), from + TOKENS);
            Torch.inScope(() -> {
                Tensor x = activations.view(start, end);
                sum.add_(Tensors.slice(x, 1, i0, i1)
                        .t()
                        .matmul(Tensors.slice(x, 1, j0, j1))
                        .to(ScalarType.Double));
            });
        }
        double[] values = Tensors.doubles(sum);
        for (int i = i0; i < i1; i++) {
            for (int j = Math.max(i, j0); j < j1; j++) {
                double mean = values[(i - i0) * (j1 - j0) + j - j0] / activations.rows();
                h[i * n + j] = mean;
                h[j * n + i] = mean;
            }
        }
    }
}
