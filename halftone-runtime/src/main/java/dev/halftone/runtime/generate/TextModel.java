package dev.halftone.runtime.generate;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.runtime.Engines;
import dev.halftone.runtime.TokenEngine;
import dev.halftone.runtime.template.ChatTemplate;
import dev.halftone.tensor.Compute;
import dev.halftone.text.TextTokenizer;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/** A model that writes: an engine with its tokenizer, the tokens that end a text, and the chat template. */
public final class TextModel implements AutoCloseable {
    private static final String BROKEN = "\uFFFD";

    private final TokenEngine engine;
    private final TextTokenizer tokenizer;
    private final ChatTemplate template;
    private final Set<Integer> ends;
    private final Set<Integer> specials;
    private final int contextLength;

    private TextModel(
            TokenEngine engine, TextTokenizer tokenizer, ChatTemplate template, Set<Integer> ends, int contextLength) {
        this.engine = engine;
        this.tokenizer = tokenizer;
        this.template = template;
        this.ends = ends;
        this.specials = tokenizer.specialIds();
        this.contextLength = contextLength;
    }

    /**
     * Loads a model.
     *
     * @param file the caller closes it after this
     * @param context longest sequence, or 0 for what the model was trained for
     * @throws InputException HT-930 to HT-939 and what the engine finds
     */
    public static TextModel open(ModelFile file, Engines engines, Compute compute, int threads, int context) {
        int trained = file.spec().contextLength();
        if (context < 0 || context > trained) {
            throw new InputException(
                    "HT-938", "--context", "is %d; expected 1 to %d, or 0 for that".formatted(context, trained), "");
        }
        TextTokenizer tokenizer = file.tokenizer();
        try {
            Set<Integer> ends = EndTokens.of(file, tokenizer);
            ChatTemplate template =
                    ChatTemplate.of(tokenizer.configJson(), file.path().toString());
            TokenEngine engine = engines.open(file, compute, threads);
            return new TextModel(engine, tokenizer, template, ends, context == 0 ? trained : context);
        } catch (RuntimeException e) {
            tokenizer.close();
            throw e;
        }
    }

    public TokenEngine engine() {
        return engine;
    }

    public TextTokenizer tokenizer() {
        return tokenizer;
    }

    public ChatTemplate template() {
        return template;
    }

    /** The longest sequence, prompt and answer. */
    public int contextLength() {
        return contextLength;
    }

    /** Tokens that end a text. */
    public Set<Integer> ends() {
        return ends;
    }

    /** Tokens of a text that begins a sequence: with BOS in front where the model wants it and the text has it not. */
    public int[] encode(String text) {
        int[] ids = tokenizer.encode(text);
        int bos = tokenizer.addsBos() ? tokenizer.bosId() : -1;
        if (bos < 0 || (ids.length > 0 && ids[0] == bos)) {
            return ids;
        }
        int[] result = new int[ids.length + 1];
        result[0] = bos;
        System.arraycopy(ids, 0, result, 1, ids.length);
        return result;
    }

    /** Text of tokens; special ones have none. */
    public String decode(int[] ids) {
        int[] plain = java.util.Arrays.stream(ids)
                .filter(id -> !specials.contains(id))
                .toArray();
        return plain.length == 0 ? "" : tokenizer.decode(plain);
    }

    boolean special(int id) {
        return specials.contains(id);
    }

    /** A name of the token: its text, or "token:ID" where that is no whole character or nothing, so that names differ. */
    public String name(int id) {
        String text = id < tokenizer.vocabularySize() ? tokenizer.decode(new int[] {id}) : "";
        return text.isEmpty() || text.contains(BROKEN) ? "token:" + id : text;
    }

    /** Where each token's text begins in {@link #decode} of all of them, in characters (code points). */
    public int[] offsets(int[] ids) {
        TokenText text = new TokenText(this::decode, new int[0]);
        int[] offsets = new int[ids.length];
        int length = 0;
        for (int i = 0; i < ids.length; i++) {
            offsets[i] = length;
            String piece = text.add(ids[i]);
            length += piece.codePointCount(0, piece.length());
        }
        return offsets;
    }

    /** The UTF-8 bytes of a token's text; empty where it is no whole character. */
    public byte[] bytes(int id) {
        String text = id < tokenizer.vocabularySize() ? tokenizer.decode(new int[] {id}) : "";
        return text.contains(BROKEN) ? new byte[0] : text.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        engine.close();
        tokenizer.close();
    }
}
