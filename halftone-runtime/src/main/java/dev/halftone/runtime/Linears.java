package dev.halftone.runtime;

import dev.halftone.kernel.packed.ActivationRows;
import dev.halftone.kernel.packed.PackedMatrix;
import java.util.ArrayList;
import java.util.List;

/** Linears with a common input: it is brought into the kernel's form once, and their rows are one list of pieces. */
final class Linears {
    /** Pieces per thread: enough that a thread that was held up leaves work to the others. */
    private static final int PIECES = 4;

    /** Bytes of weights in a piece: what costs much more than taking a piece, and is not long to wait for. */
    private static final long LEAST = 8 << 10;

    private static final long MOST = 512 << 10;

    private final Linear[] linears;

    /** For each linear, the first one whose form of the input it uses. */
    private final int[] inputOf;

    private final List<Piece> pieces = new ArrayList<>();
    private final ActivationRows[] inputs;

    /**
     * A weight and what is added.
     *
     * @param bias (rows), or empty
     */
    record Linear(PackedMatrix matrix, float[] bias) {}

    private record Piece(int linear, int from, int to) {}

    Linears(List<Linear> members, int threads) {
        linears = members.toArray(Linear[]::new);
        inputs = new ActivationRows[linears.length];
        inputOf = new int[linears.length];
        long bytes = 0;
        for (int i = 0; i < linears.length; i++) {
            PackedMatrix matrix = linears[i].matrix();
            int first = 0;
            while (first < i && !linears[first].matrix().sharesInputs(matrix)) {
                first++;
            }
            inputOf[i] = first;
            bytes += matrix.bytes();
        }
        long size = Math.clamp(bytes / (PIECES * (long) threads), LEAST, MOST);
        for (int i = 0; i < linears.length; i++) {
            cut(i, size);
        }
    }

    private void cut(int linear, long size) {
        PackedMatrix matrix = linears[linear].matrix();
        int tiles = Math.ceilDiv(matrix.rows(), matrix.tile());
        int count = Math.toIntExact(Math.clamp(matrix.bytes() / size, 1, tiles));
        int step = Math.multiplyExact(Math.ceilDiv(tiles, count), matrix.tile());
        for (int from = 0; from < matrix.rows(); from += step) {
            pieces.add(new Piece(linear, from, Math.min(matrix.rows(), from + step)));
        }
    }

    int count() {
        return linears.length;
    }

    /** Outputs of a linear. */
    int rows(int linear) {
        return linears[linear].matrix().rows();
    }

    /** What one product of each reads. */
    long bytes() {
        long sum = 0;
        for (Linear linear : linears) {
            sum += linear.matrix().bytes() + (long) Float.BYTES * linear.bias().length;
        }
        return sum;
    }

    /**
     * Multiplies.
     *
     * @param x (tokens, columns)
     * @param y of each linear (tokens, rows)
     */
    void multiply(SpinPool pool, float[] x, int tokens, float[]... y) {
        for (int i = 0; i < linears.length; i++) {
            inputs[i] = inputOf[i] == i ? linears[i].matrix().inputs(x, tokens) : inputs[inputOf[i]];
        }
        pool.run(pieces.size(), (index, _) -> {
            Piece piece = pieces.get(index);
            Linear linear = linears[piece.linear()];
            float[] target = y[piece.linear()];
            int stride = linear.matrix().rows();
            linear.matrix().multiply(inputs[piece.linear()], target, stride, piece.from(), piece.to());
            if (linear.bias().length > 0) {
                addBias(linear.bias(), target, stride, tokens, piece);
            }
        });
    }

    private static void addBias(float[] bias, float[] y, int stride, int tokens, Piece piece) {
        for (int t = 0; t < tokens; t++) {
            for (int r = piece.from(); r < piece.to(); r++) {
                y[t * stride + r] += bias[r];
            }
        }
    }
}
