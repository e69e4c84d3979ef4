package dev.halftone.runtime.generate;

import dev.halftone.error.ResourceException;
import dev.halftone.runtime.TokenEngine.Chunk;
import java.util.ArrayList;
import java.util.List;

/**
 * Generations that share an engine's steps: a step takes the next token of every one, and of those that still read their prompts
 * one chunk, the oldest first, so that a long prompt delays the others by a chunk and no more. Not for several threads.
 */
public final class Batch implements AutoCloseable {
    private final TextModel model;
    private final int promptTokens;
    private final List<Generation> running = new ArrayList<>();

    /** @param promptTokens of all prompts in one step, at most, but for the first one's chunk */
    public Batch(TextModel model, int promptTokens) {
        this.model = model;
        this.promptTokens = promptTokens;
    }

    /** Takes part from the next step on. */
    public void add(Generation generation) {
        running.add(generation);
    }

    /** Generations that have not ended. */
    public int size() {
        return running.size();
    }

    /** One step of the engine; nothing where nothing runs. */
    public void step() {
        sweep();
        List<Generation> taking = new ArrayList<>();
        List<Chunk> chunks = new ArrayList<>();
        int prompts = 0;
        for (Generation generation : running) {
            boolean reading = generation.readingPrompt();
            if (!reading || prompts == 0 || prompts < promptTokens) {
                try {
                    Chunk chunk = generation.next();
                    prompts += reading ? chunk.ids().length : 0;
                    taking.add(generation);
                    chunks.add(chunk);
                } catch (RuntimeException e) {
                    generation.fail(e); // no memory for its keys and values
                }
            }
        }
        if (!chunks.isEmpty()) {
            run(taking, chunks);
        }
        sweep();
    }

    private void run(List<Generation> taking, List<Chunk> chunks) {
        List<float[]> logits;
        try {
            logits = model.engine().step(chunks);
        } catch (RuntimeException e) {
            // What the sequences hold now is not known.
            taking.forEach(generation -> generation.fail(e));
            return;
        } catch (OutOfMemoryError e) {
            ResourceException full = new ResourceException(
                    "HT-503",
                    "",
                    "the Java heap is full (" + e.getMessage() + ")",
                    "set HALFTONE_JAVA_OPTS=-Xmx with a larger size");
            taking.forEach(generation -> generation.fail(full));
            return;
        }
        for (int i = 0; i < chunks.size(); i++) {
            Generation generation = taking.get(i);
            if (!generation.cancelled()) {
                try {
                    generation.accept(chunks.get(i), logits.get(i));
                } catch (RuntimeException e) {
                    generation.fail(e);
                }
            }
        }
    }

    private void sweep() {
        running.removeIf(generation -> {
            if (generation.over()) {
                generation.close();
                return true;
            }
            return false;
        });
    }

    /** Ends all of them without a word. */
    @Override
    public void close() {
        running.forEach(Generation::cancel);
        sweep();
    }
}
