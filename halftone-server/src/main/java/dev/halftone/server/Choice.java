package dev.halftone.server;

import dev.halftone.runtime.generate.Generation;
import dev.halftone.runtime.generate.GenerationRequest;
import dev.halftone.runtime.generate.ScoredToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One answer to one prompt, as it grows. Only the engine's thread touches it. */
final class Choice implements Generation.Listener {
    private final int index;
    private final GenerationRequest request;
    private final String promptText;
    private final Answer answer;
    private final StringBuilder text = new StringBuilder();
    private final List<ScoredToken> tokens = new ArrayList<>();
    private List<ScoredToken> prompt = List.of();
    private int told;
    private @Nullable String finish;

    /** @param promptText in front of the answer's text, where the client wants an echo */
    Choice(int index, GenerationRequest request, String promptText, Answer answer) {
        this.index = index;
        this.request = request;
        this.promptText = promptText;
        this.answer = answer;
    }

    int index() {
        return index;
    }

    GenerationRequest request() {
        return request;
    }

    String promptText() {
        return promptText;
    }

    /** The answer without the prompt. */
    String text() {
        return text.toString();
    }

    /** Scores of the prompt's tokens, where they were asked for. */
    List<ScoredToken> prompt() {
        return prompt;
    }

    List<ScoredToken> tokens() {
        return tokens;
    }

    /** "stop" or "length"; null before the end. */
    @Nullable
    String finish() {
        return finish;
    }

    /** Tokens that no event has told yet; now they are. */
    List<ScoredToken> untold() {
        List<ScoredToken> news = List.copyOf(tokens.subList(told, tokens.size()));
        told = tokens.size();
        return news;
    }

    @Override
    public void prompt(List<ScoredToken> scored) {
        prompt = scored;
        answer.promptRead(this);
    }

    @Override
    public void token(ScoredToken token, String piece) {
        tokens.add(token);
        text.append(piece);
        answer.written(this, piece);
    }

    @Override
    public void finished(String piece, Generation.Finish how) {
        text.append(piece);
        finish = how == Generation.Finish.STOP ? "stop" : "length";
        answer.finished(this, piece);
    }

    @Override
    public void failed(RuntimeException failure) {
        answer.failed(failure);
    }
}
