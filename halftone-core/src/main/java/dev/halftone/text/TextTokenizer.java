package dev.halftone.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A model's tokenizer: text to token ids and back.
 *
 * <p>One engine does the work, Hugging Face's {@code tokenizers}; a GGUF vocabulary is first written as the equivalent
 * tokenizer.json. Tokens such as {@code <|im_end|>} in a text become their own id. Encoding and decoding may run in several
 * threads; {@link #close} must come after them.
 */
public final class TextTokenizer implements AutoCloseable {
    private final TokenizerFiles files;
    private final String place;
    private long handle;

    private TextTokenizer(TokenizerFiles files, String place) {
        this.files = files;
        this.place = place;
        this.handle = create(files.json(), place);
        TokenizersLibrary.LIB.disableTruncation(handle);
        TokenizersLibrary.LIB.disablePadding(handle);
    }

    /**
     * The tokenizer of a Hugging Face directory: tokenizer.json, with tokenizer_config.json, special_tokens_map.json and
     * chat_template.jinja where they are.
     *
     * @throws InputException HT-250 to HT-252, HT-256 and HT-259 if a file is missing or broken
     */
    public static TextTokenizer fromDirectory(Path directory) {
        return new TextTokenizer(
                DirectoryTokenizer.read(directory),
                directory.resolve("tokenizer.json").toString());
    }

    /**
     * A tokenizer from the text of its tokenizer.json alone.
     *
     * @param json empty for none
     * @param place the file that it was in, for errors
     * @throws InputException HT-250 to HT-252 and HT-256 if it is missing or broken
     */
    public static TextTokenizer fromJson(String json, Path place) {
        return new TextTokenizer(DirectoryTokenizer.read(json, place), place.toString());
    }

    /**
     * The tokenizer of a GGUF file.
     *
     * @param metadata the file's keys; arrays as lists or Java arrays
     * @param place the file, for errors
     * @throws InputException HT-252 to HT-259 if the vocabulary is incomplete, contradictory or of a kind not known here
     */
    public static TextTokenizer fromGguf(Map<String, Object> metadata, String place) {
        return new TextTokenizer(GgufTokenizer.files(new TokenizerMetadata(metadata, place)), place);
    }

    /**
     * Ids of the whole text, without BOS, EOS or other post-processing.
     *
     * @throws InputException HT-252 if the text needs a token that the vocabulary lacks, or gives an id beyond its size
     */
    public int[] encode(String text) {
        long tokenizer = open();
        long encoding = used(() -> TokenizersLibrary.LIB.encode(tokenizer, text, false));
        try {
            long[] ids = TokenizersLibrary.LIB.getTokenIds(encoding);
            int[] result = new int[ids.length];
            for (int i = 0; i < ids.length; i++) {
                // A model looks ids up in its embedding: an id beyond it must not get that far.
                if (ids[i] < 0 || ids[i] >= files.size()) {
                    throw unusable(
                            place,
                            "a text gives token id %d, but the files list %d tokens".formatted(ids[i], files.size()));
                }
                result[i] = (int) ids[i];
            }
            return result;
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    /**
     * The text of the tokens, special ones included. An id that no token has gives no text; incomplete UTF-8 gives U+FFFD.
     *
     * @throws InputException HT-252 if the decoder does not fit the vocabulary
     */
    public String decode(int[] ids) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            wide[i] = ids[i];
        }
        long tokenizer = open();
        return used(() -> TokenizersLibrary.LIB.decode(tokenizer, wide, false));
    }

    /** Ids are below it. */
    public int vocabularySize() {
        return files.size();
    }

    /** Id of the token that begins a text, or -1. */
    public int bosId() {
        return files.bosId();
    }

    /** Id of the token that ends a text, or -1. */
    public int eosId() {
        return files.eosId();
    }

    /** Ids of BOS, EOS and all other tokens that stand for no text, such as padding and the marks of a chat. */
    public Set<Integer> specialIds() {
        return SpecialIds.of(files);
    }

    /** True if the model's own tokenizer puts BOS in front of a text. */
    public boolean addsBos() {
        return files.addsBos();
    }

    /** The tokenizer.json document, to be written beside a quantized model. */
    public String toJson() {
        return files.json();
    }

    /** The tokenizer_config.json document: BOS and EOS tokens, chat template. */
    public String configJson() {
        return files.config().toPrettyString();
    }

    /** For reports: "byte-level BPE (smollm), 49152 tokens". */
    public String description() {
        return files.kind() + ", " + files.size() + " tokens";
    }

    /** Frees the native tokenizer. */
    @Override
    public synchronized void close() {
        if (handle != 0) {
            TokenizersLibrary.LIB.deleteTokenizer(handle);
            handle = 0;
        }
    }

    private synchronized long open() {
        if (handle == 0) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        return handle;
    }

    private static long create(String json, String place) {
        loadLibrary();
        try {
            return TokenizersLibrary.LIB.createTokenizerFromString(json);
        } catch (RuntimeException e) {
            throw unusable(place, message(e));
        }
    }

    /** The engine finds some faults only when it meets a text, such as unknown characters without a token for them. */
    private <T> T used(Supplier<T> call) {
        try {
            return call.get();
        } catch (RuntimeException e) {
            throw unusable(place, message(e));
        }
    }

    private static String message(RuntimeException e) {
        return String.valueOf(e.getMessage()).replaceAll("\\s+", " ");
    }

    private static InputException unusable(String place, String found) {
        return new InputException(
                "HT-252",
                place,
                "the tokenizer is not usable: " + found,
                "save it again with a current version of transformers");
    }

    /**
     * The bundled library for the CPU. Where DJL sees CUDA it would download another one, and its tokenizer class reports its
     * use over the network: hence the flavour, the offline mode and the direct use of the native interface.
     */
    private static synchronized void loadLibrary() {
        setUnlessSet("RUST_FLAVOR", "cpu");
        setUnlessSet("ai.djl.offline", "true");
        try {
            LibUtils.checkStatus();
        } catch (RuntimeException | LinkageError e) {
            throw new InputException(
                    "HT-259",
                    "tokenizers library",
                    "cannot be loaded (%s)".formatted(e.getCause() == null ? e : e.getCause()),
                    "it is unpacked into the directory that ENGINE_CACHE_DIR names, or into .djl.ai in the home"
                            + " directory: make that writable");
        }
    }

    private static void setUnlessSet(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }
}
