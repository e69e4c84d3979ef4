package dev.halftone.runtime.generate;

import dev.halftone.runtime.TokenEngine;
import dev.halftone.runtime.TokenEngine.Chunk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One sequence on its way: a prompt that is read chunk by chunk, and then token after token. Where chunks end depends on the prompt
 * alone, so that what others do meanwhile changes no bit of it. {@link Batch} drives it; only {@link #cancel} may be called
 * by another thread.
 */
public final class Generation {
    /** Why an answer ended. */
    public enum Finish {
        STOP,
        LENGTH
    }

    /** Told by the thread that drives. */
    public interface Listener {
        /** The prompt was read; its tokens with their scores, if they were asked for, else none. */
        default void prompt(List<ScoredToken> tokens) {}

        /** @param text what became certain with this token, may be empty */
        void token(ScoredToken token, String text);

        /** @param text what was held back */
        void finished(String text, Finish finish);

        /** The end of a generation that went wrong. */
        void failed(RuntimeException failure);
    }

    private final TextModel model;
    private final GenerationRequest request;
    private final Listener listener;
    private final Sampler sampler;
    private final TokenText text;
    private final StopFilter stops;
    private final int chunkLength;
    private final List<ScoredToken> scored = new ArrayList<>();
    private TokenEngine.@Nullable Sequence sequence;
    private int read;
    private int written;
    private int last;
    private boolean done;
    private volatile boolean cancelled;

    /** @param chunkLength tokens of a prompt that are read in one step, at most */
    public Generation(TextModel model, GenerationRequest request, int chunkLength, Listener listener) {
        this.model = model;
        this.request = request;
        this.listener = listener;
        this.chunkLength = chunkLength;
        this.sampler = new Sampler(request.sampling(), request.choice(), request.prompt());
        this.text = new TokenText(model::decode, request.prompt());
        this.stops = new StopFilter(request.stops());
        if (request.scorePrompt()) {
            scored.add(ScoredToken.unscored(request.prompt()[0]));
        }
    }

    /** No more of it is computed; the listener hears nothing more. */
    public void cancel() {
        cancelled = true;
    }

    boolean cancelled() {
        return cancelled;
    }

    /** True once it needs no more steps. */
    public boolean over() {
        return done || cancelled;
    }

    boolean readingPrompt() {
        return read < request.prompt().length;
    }

    /** What it reads in the next step. */
    Chunk next() {
        if (sequence == null) {
            sequence = model.engine().open(request.room());
        }
        if (!readingPrompt()) {
            return new Chunk(sequence, new int[] {last}, false);
        }
        int end = Math.min(read + chunkLength, request.prompt().length);
        return new Chunk(sequence, Arrays.copyOfRange(request.prompt(), read, end), request.scorePrompt());
    }

    /** Goes on with what the step gave for {@link #next}. */
    void accept(Chunk chunk, float[] logits) {
        int vocabulary = model.engine().vocabulary();
        float[] row = logits;
        if (readingPrompt()) {
            if (request.scorePrompt()) {
                score(logits, chunk.ids().length, vocabulary);
                row = Arrays.copyOfRange(logits, logits.length - vocabulary, logits.length);
            }
            read += chunk.ids().length;
            if (readingPrompt()) {
                return;
            }
            listener.prompt(List.copyOf(scored));
            if (request.mostTokens() == 0) {
                finish(Finish.LENGTH);
                return;
            }
        }
        write(row, vocabulary);
    }

    private void score(float[] logits, int tokens, int vocabulary) {
        for (int i = 0; i < tokens && read + i + 1 < request.prompt().length; i++) {
            int id = request.prompt()[read + i + 1];
            scored.add(ScoredToken.of(id, logits, i * vocabulary, vocabulary, Math.max(0, request.alternatives())));
        }
    }

    private void write(float[] logits, int vocabulary) {
        last = sampler.next(logits);
        written++;
        boolean ended = model.ends().contains(last);
        ScoredToken token = request.alternatives() < 0
                ? ScoredToken.unscored(last)
                : ScoredToken.of(last, logits, 0, vocabulary, request.alternatives());
        String piece = ended || model.special(last) ? "" : stops.add(text.add(last));
        listener.token(token, piece);
        if (ended || stops.stopped()) {
            finish(Finish.STOP);
        } else if (written == request.mostTokens()) {
            finish(Finish.LENGTH);
        }
    }

    private void finish(Finish finish) {
        done = true;
        String rest = stops.stopped() ? "" : stops.add(text.rest());
        boolean stoppedLate = stops.stopped();
        listener.finished(rest + stops.rest(), stoppedLate ? Finish.STOP : finish);
    }

    void fail(RuntimeException failure) {
        done = true;
        listener.failed(failure);
    }

    /** Frees keys and values. */
    void close() {
        if (sequence != null) {
            sequence.close();
            sequence = null;
        }
    }
}
