package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;
import dev.halftone.model.DecoderSpec.Alibi;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.runtime.Batch.Piece;
import java.util.Arrays;

/**
 * Softmax(cap(scale q k^T) + added) v over the cache. What a query gives is made of chains over channels and tokens in their order, so
 * it does not depend on the queries beside it.
 */
final class AttentionPass {
    private static final DecodeKernels KERNELS = DecodeKernels.best();
    private static final int BLOCK = HalfCache.BLOCK;

    private final Attention attention;
    private final Scratch[] scratch;

    /** What is added to the scores, (heads, keys); empty for nothing. */
    private float[] added = {};

    private int addedKeys;

    /** Memory of one thread; grows with sequences. */
    private static final class Scratch {
        private float[] queries = {};
        private float[] scores = {};
        private float[] means = {};
        private float[] block = {};
        private float[] sums = {};

        void reach(int rows, int keys, int headDim) {
            if (scores.length < rows * keys) {
                scores = new float[Math.multiplyExact(rows, keys)];
            }
            if (sums.length < rows) {
                queries = new float[rows * headDim];
                means = new float[rows * headDim];
                sums = new float[rows];
                block = new float[BLOCK * headDim];
            }
        }
    }

    AttentionPass(Attention attention, int threads) {
        this.attention = attention;
        this.scratch = new Scratch[threads];
        Arrays.setAll(scratch, _ -> new Scratch());
    }

    /** Makes what is added to the scores long enough for that many tokens. */
    void reach(int tokens) {
        if (attention.positions() instanceof Alibi alibi && addedKeys < tokens) {
            addedKeys = Math.max(tokens, 2 * addedKeys);
            added = alibi.added(attention.heads(), addedKeys);
        }
    }

    /**
     * One piece.
     *
     * @param q (rows, heads * headDim)
     * @param out as q
     */
    void run(Piece piece, int layer, float[] q, float[] out, int thread) {
        int dim = attention.headDim();
        int share = attention.share();
        int rows = share * piece.count();
        int first = piece.run().position() + piece.first();
        int window = attention.local(layer) ? attention.window() : 0;
        int begin = seenFrom(first, window) / BLOCK * BLOCK;
        int end = first + piece.count();
        int keys = Math.ceilDiv(end - begin, BLOCK) * BLOCK;
        Scratch s = scratch[thread];
        s.reach(rows, keys, dim);
        gather(piece, q, s.queries);
        scores(piece, layer, begin, keys, rows, s);
        for (int row = 0; row < rows; row++) {
            int at = row * keys;
            int position = first + row / share;
            int from = seenFrom(position, window) - begin;
            int to = position + 1 - begin;
            if (attention.softcap() > 0) {
                KERNELS.cap(s.scores, at + from, to - from, (float) attention.softcap());
            }
            if (added.length > 0) {
                int head = piece.kvHead() * share + row % share;
                KERNELS.add(s.scores, at + from, added, head * addedKeys + begin + from, to - from);
            }
            s.sums[row] = KERNELS.softmaxTerms(s.scores, at, 0, from, to, keys);
        }
        means(piece, layer, begin, end, keys, rows, s);
        scatter(piece, s, out);
    }

    private static int seenFrom(int position, int window) {
        return window > 0 ? Math.max(0, position - window + 1) : 0;
    }

    /** Queries of a piece, scaled: row t * share + h is head h of token t. */
    private void gather(Piece piece, float[] q, float[] queries) {
        int dim = attention.headDim();
        int run = attention.share() * dim;
        for (int t = 0; t < piece.count(); t++) {
            int row = piece.run().row() + piece.first() + t;
            int at = row * attention.queryWidth() + piece.kvHead() * run;
            System.arraycopy(q, at, queries, t * run, run);
        }
        KERNELS.scale(queries, 0, piece.count() * run, (float) attention.scale());
    }

    private void scores(Piece piece, int layer, int begin, int keys, int rows, Scratch s) {
        int dim = attention.headDim();
        Arrays.fill(s.scores, 0, rows * keys, 0);
        for (int at = 0; at < keys; at += BLOCK) {
            piece.run().cache().readKeys(layer, piece.kvHead(), (begin + at) / BLOCK, s.block);
            KERNELS.addProduct(s.scores, at, keys, s.queries, 0, dim, s.block, 0, BLOCK, rows, BLOCK, dim);
        }
    }

    private void means(Piece piece, int layer, int begin, int end, int keys, int rows, Scratch s) {
        int dim = attention.headDim();
        Arrays.fill(s.means, 0, rows * dim, 0);
        for (int from = begin; from < end; from += BLOCK) {
            int count = Math.min(BLOCK, end - from);
            piece.run().cache().readValues(layer, piece.kvHead(), from, count, s.block);
            KERNELS.addProduct(s.means, 0, dim, s.scores, from - begin, keys, s.block, 0, dim, rows, dim, count);
        }
    }

    private void scatter(Piece piece, Scratch s, float[] out) {
        int dim = attention.headDim();
        int run = attention.share() * dim;
        for (int row = 0; row < attention.share() * piece.count(); row++) {
            KERNELS.scale(s.means, row * dim, dim, 1 / s.sums[row]);
        }
        for (int t = 0; t < piece.count(); t++) {
            int row = piece.run().row() + piece.first() + t;
            System.arraycopy(s.means, t * run, out, row * attention.queryWidth() + piece.kvHead() * run, run);
        }
    }
}
