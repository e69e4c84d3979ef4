package dev.halftone.kernel.packed;

/**
 * Activations rounded to int8, each block of 32 columns with a scale of its own: d = max |x| / 127, q = x / d rounded half to even. A
 * value that is not finite makes d so too, and with it every product.
 *
 * @param width what {@code terms} are made for
 * @param codes q (tokens, 32 blocks), 0 behind the last column
 * @param terms (tokens, blocks, {@link CodeWidth#termCount})
 * @param scales d (tokens, blocks)
 * @param sums sum of q over each half of a block (tokens, 2 blocks)
 */
record IntegerRows(
        CodeWidth width, int tokens, int columns, int blocks, short[] codes, int[] terms, float[] scales, int[] sums)
        implements ActivationRows {
    static final int LARGEST = 127;

    static IntegerRows of(TileKernels kernels, CodeWidth width, float[] x, int tokens, int columns) {
        int blocks = Math.ceilDiv(columns, CodeWidth.BLOCK);
        IntegerRows rows = new IntegerRows(
                width,
                tokens,
                columns,
                blocks,
                new short[Math.multiplyExact(tokens * blocks, CodeWidth.BLOCK)],
                new int[Math.multiplyExact(tokens * blocks, width.termCount())],
                new float[tokens * blocks],
                new int[2 * tokens * blocks]);
        for (int t = 0; t < tokens; t++) {
            kernels.round(x, t * columns, columns, rows.codes, t * blocks, rows.scales);
            for (int b = 0; b < blocks; b++) {
                int at = t * blocks + b;
                width.terms(rows.codes, at * CodeWidth.BLOCK, rows.terms, at * width.termCount());
                rows.sums[2 * at] = sum(rows.codes, at * CodeWidth.BLOCK);
                rows.sums[2 * at + 1] = sum(rows.codes, at * CodeWidth.BLOCK + CodeWidth.BLOCK / 2);
            }
        }
        return rows;
    }

    private static int sum(short[] codes, int from) {
        int sum = 0;
        for (int i = 0; i < CodeWidth.BLOCK / 2; i++) {
            sum += codes[from + i];
        }
        return sum;
    }

    /** d sum of q over a block, or over one of its halves. */
    float sum(int block, int parts, int part) {
        int sum = parts == 1 ? sums[2 * block] + sums[2 * block + 1] : sums[2 * block + part];
        return scales[block] * sum;
    }
}
