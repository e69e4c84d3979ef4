package dev.halftone.kernel.packed;

/**
 * Activations rounded to int8, each block of 32 columns with a scale of its own: d = max |x| / 127, q = x / d rounded half to even. A
 * value that is not finite makes d so too, and with it every product.
 *
 * <p>Many tokens are multiplied four at a time ({@link #wide}) with codes that were cut out of their words, the others one by one with
 * words as they are.
 *
 * @param width what {@code terms} are made for
 * @param pairs q (blocks, tokens, 16): two columns in an int, the even one in the lower half; 0 behind the last column
 * @param terms of the tokens behind the wide ones (tokens, blocks, {@link CodeWidth#termCount})
 * @param scales d (blocks, tokens)
 * @param sums sum of q over each half of a block (blocks, tokens, 2)
 */
record IntegerRows(
        CodeWidth width, int tokens, int columns, int blocks, int[] pairs, int[] terms, float[] scales, int[] sums)
        implements ActivationRows {
    static final int LARGEST = 127;

    /** Tokens that are multiplied at a time. */
    static final int TOGETHER = 4;

    /** Below so many tokens, cutting codes out is not worth it. */
    private static final int MANY = 8;

    static IntegerRows of(TileKernels kernels, CodeWidth width, float[] x, int tokens, int columns) {
        int blocks = Math.ceilDiv(columns, CodeWidth.BLOCK);
        int all = Math.multiplyExact(tokens, blocks);
        IntegerRows rows = new IntegerRows(
                width,
                tokens,
                columns,
                blocks,
                new int[Math.multiplyExact(all, CodeWidth.PAIRS)],
                new int[(tokens - wide(tokens)) * blocks * width.termCount()],
                new float[all],
                new int[2 * all]);
        for (int t = 0; t < tokens; t++) {
            kernels.round(x, t * columns, rows, t);
        }
        for (int t = wide(tokens); t < tokens; t++) {
            for (int b = 0; b < blocks; b++) {
                int from = (b * tokens + t) * CodeWidth.PAIRS;
                kernels.terms(width, rows.pairs, from, rows.terms, rows.termsAt(t, b));
            }
        }
        return rows;
    }

    private static int wide(int tokens) {
        return tokens < MANY ? 0 : tokens - tokens % TOGETHER;
    }

    /** Tokens that are multiplied four at a time: the first ones. */
    int wide() {
        return wide(tokens);
    }

    /** Where the terms of a block of a token behind the wide ones begin. */
    int termsAt(int token, int block) {
        return ((token - wide()) * blocks + block) * width.termCount();
    }

    /** q of a column of a block. */
    int code(int token, int block, int column) {
        int pair = pairs[(block * tokens + token) * CodeWidth.PAIRS + column / 2];
        return column % 2 == 0 ? (short) pair : pair >> Short.SIZE;
    }

    /** d sum of q over a block, or over one of its halves. */
    float sum(int token, int block, int parts, int part) {
        int i = block * tokens + token;
        return scales[i] * (parts == 1 ? sums[2 * i] + sums[2 * i + 1] : sums[2 * i + part]);
    }
}
