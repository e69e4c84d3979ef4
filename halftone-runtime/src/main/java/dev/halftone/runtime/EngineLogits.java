package dev.halftone.runtime;

import dev.halftone.evaluate.LogitSource;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.runtime.TokenEngine.Chunk;
import dev.halftone.runtime.TokenEngine.Sequence;
import dev.halftone.tensor.Workers;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Logits of an engine: windows are read as their rows are asked for, so that a window's logits are never in memory as a whole. Threads take
 * turns with the engine, which has threads of its own.
 */
public final class EngineLogits implements LogitSource {
    private final TokenEngine engine;
    private final Map<Integer, Sequence> open = new HashMap<>();
    private List<Window> windows = List.of();

    /** @param engine stays the caller's */
    public EngineLogits(TokenEngine engine) {
        this.engine = engine;
    }

    @Override
    public int vocabulary() {
        return engine.vocabulary();
    }

    @Override
    public int steps() {
        return 1;
    }

    @Override
    public void prepare(List<Window> all, Workers workers, Runnable step) {
        windows = List.copyOf(all);
        step.run();
    }

    /** Quickest where the rows of a window are asked for in their order. */
    @Override
    public synchronized Rows rows(int window, int from, int count) {
        Window asked = windows.get(window);
        // What is predicted at a position comes out one position before.
        int first = asked.firstScored() + from - 1;
        Sequence sequence = open.computeIfAbsent(window, _ -> engine.open(asked.tokens().length - 1));
        if (sequence.length() > first) {
            sequence.truncate(first);
        }
        if (sequence.length() < first) {
            step(sequence, asked, first, false);
        }
        float[] logits = step(sequence, asked, first + count, true);
        if (sequence.length() == asked.tokens().length - 1) {
            sequence.close();
            open.remove(window);
        }
        return (row, target) -> System.arraycopy(logits, row * vocabulary(), target, 0, vocabulary());
    }

    private float[] step(Sequence sequence, Window window, int to, boolean all) {
        int[] ids = Arrays.copyOfRange(window.tokens(), sequence.length(), to);
        return engine.step(List.of(new Chunk(sequence, ids, all))).getFirst();
    }

    @Override
    public synchronized void close() {
        open.values().forEach(Sequence::close);
        open.clear();
    }
}
