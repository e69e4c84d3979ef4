package dev.halftone.runtime;

import dev.halftone.model.DecoderSpec.Attention;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The tokens of one pass: runs of tokens of different sequences, one after the other in the rows of every linear. */
final class Batch {
    /** Rows of queries that one piece of attention takes along: they share the keys and values that it reads. */
    private static final int QUERY_ROWS = 32;

    private final List<Run> runs = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();
    private final List<Run> runOfRow = new ArrayList<>();
    private int rows;

    /**
     * Tokens that follow each other in one sequence.
     *
     * @param row of the first
     * @param position of the first
     * @param length of the sequence when all tokens of the step are read
     * @param logits where those of the last {@code wanted} tokens go
     * @param logitsAt row of the first of them
     */
    record Run(
            HalfCache cache,
            int[] ids,
            int from,
            int count,
            int row,
            int position,
            int length,
            float[] logits,
            int logitsAt,
            int wanted) {
        int id(int index) {
            return ids[from + index];
        }
    }

    /** Queries of the heads that share a key head, {@code count} tokens from the run's number {@code first} on. */
    record Piece(Run run, int kvHead, int first, int count) {}

    /**
     * Adds tokens {@code from} to {@code from + count} of a chunk.
     *
     * @param logits of the chunk
     */
    void add(TokenEngine.Chunk chunk, HalfCache cache, int from, int count, float[] logits) {
        int[] ids = chunk.ids();
        boolean ends = from + count == ids.length;
        int wanted = chunk.allLogits() ? count : ends ? 1 : 0;
        Run run = new Run(
                cache,
                ids,
                from,
                count,
                rows,
                cache.length() + from,
                cache.length() + ids.length,
                logits,
                chunk.allLogits() ? from : 0,
                wanted);
        runs.add(run);
        runOfRow.addAll(Collections.nCopies(count, run));
        rows += count;
    }

    /** Cuts the attention of every layer into pieces. */
    void cut(Attention attention) {
        int step = Math.max(1, QUERY_ROWS / attention.share());
        for (Run run : runs) {
            for (int first = 0; first < run.count(); first += step) {
                for (int head = 0; head < attention.kvHeads(); head++) {
                    pieces.add(new Piece(run, head, first, Math.min(step, run.count() - first)));
                }
            }
        }
    }

    int rows() {
        return rows;
    }

    /** The run that a row belongs to. */
    Run runOf(int row) {
        return runOfRow.get(row);
    }

    List<Run> runs() {
        return runs;
    }

    List<Piece> pieces() {
        return pieces;
    }
}
