package dev.halftone;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A llama of two blocks with seeded random weights and a tokenizer of whole words, "w0" to "w95". */
public final class TinyModel {
    public static final int VOCABULARY = 96;
    private static final JsonMapper JSON = new JsonMapper();

    private TinyModel() {}

    /** Writes the model into the directory, which is created. */
    public static Path write(Path directory, long seed) throws IOException {
        return write(directory, seed, 1);
    }

    /** The smaller the embedding, which is the head too, the less sure is the model of the next token. */
    public static Path write(Path directory, long seed, double embedding) throws IOException {
        Files.createDirectories(directory);
        ObjectNode config = config();
        DecoderSpec spec = Families.read(config, Set.of(), "tiny");
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        List<StoredPart> parts = new ArrayList<>();
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            long elements = 1;
            for (long dimension : tensor.shape()) {
                elements *= dimension;
            }
            byte[] bytes = new byte[Math.toIntExact(elements * Float.BYTES)];
            java.nio.FloatBuffer values = java.nio.ByteBuffer.wrap(bytes)
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer();
            boolean norm = tensor.shape().length == 1;
            double scale = norm ? 0.1 : tensor.name().contains("embed") ? embedding : 0.25;
            for (int i = 0; i < elements; i++) {
                values.put((float) ((norm ? 1 : 0) + scale * random.nextGaussian()));
            }
            parts.add(
                    new StoredPart(tensor.name(), SafetensorsDtype.F32, tensor.shape(), MemorySegment.ofArray(bytes)));
        }
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), config);
        return save(directory, tokenizer(words()));
    }

    public static ObjectNode config() {
        return JSON.createObjectNode()
                .put("model_type", "llama")
                .put("hidden_size", 32)
                .put("intermediate_size", 48)
                .put("num_hidden_layers", 2)
                .put("num_attention_heads", 4)
                .put("num_key_value_heads", 2)
                .put("vocab_size", VOCABULARY)
                .put("rms_norm_eps", 1e-5)
                .put("max_position_embeddings", 64)
                .put("tie_word_embeddings", true);
    }

    /** A seeded text of that many words. */
    public static String text(int words, long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        return IntStream.range(0, words)
                .mapToObj(_ -> "w" + random.nextInt(VOCABULARY))
                .collect(Collectors.joining(" "));
    }

    /** Gives the model a tokenizer of single characters: one id for each printable one of ASCII, 0 for all others. */
    public static Path withCharacters(Path directory) throws IOException {
        List<String> vocabulary = new ArrayList<>(List.of("unknown"));
        for (char c = ' '; c <= '~'; c++) {
            vocabulary.add(String.valueOf(c));
        }
        ObjectNode root = tokenizer(vocabulary);
        ObjectNode split = root.putObject("pre_tokenizer").put("type", "Split");
        split.putObject("pattern").put("Regex", ".");
        split.put("behavior", "Isolated").put("invert", false);
        return save(directory, root);
    }

    /** Gives the model a tokenizer of words with BOS, id 1, and EOS, id 2, which are special; the others are "w0", "w3", ... */
    public static Path withSpecialTokens(Path directory, boolean addsBos) throws IOException {
        List<String> vocabulary = words();
        vocabulary.set(1, "<s>");
        vocabulary.set(2, "</s>");
        ObjectNode root = tokenizer(vocabulary);
        for (int id = 1; id <= 2; id++) {
            root.withArray("added_tokens")
                    .addObject()
                    .put("id", id)
                    .put("content", vocabulary.get(id))
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
        }
        ModelWriter.writeJson(
                directory.resolve("tokenizer_config.json"),
                JSON.createObjectNode()
                        .put("bos_token", "<s>")
                        .put("eos_token", "</s>")
                        .put("add_bos_token", addsBos));
        return save(directory, root);
    }

    /** Gives the model a tokenizer of that many words, "w0", "w1", ... */
    public static Path withWords(Path directory, int count) throws IOException {
        return save(
                directory,
                tokenizer(IntStream.range(0, count).mapToObj(i -> "w" + i).toList()));
    }

    /**
     * Gives the model a tokenizer of that many single bytes, as byte-level BPE without merges: a space, the small letters, and then
     * the rest of ASCII.
     */
    public static Path withBytes(Path directory, int count) throws IOException {
        List<String> bytes = new ArrayList<>(List.of("\u0120"));
        IntStream.concat(IntStream.rangeClosed('a', 'z'), IntStream.range('!', 'a'))
                .mapToObj(Character::toString)
                .forEach(bytes::add);
        IntStream.range(bytes.size(), count).mapToObj(i -> "<" + i + ">").forEach(bytes::add);
        ObjectNode root = tokenizer(bytes.subList(0, count));
        ObjectNode level = JSON.createObjectNode().put("type", "ByteLevel");
        level.put("add_prefix_space", false).put("trim_offsets", true).put("use_regex", true);
        root.set("pre_tokenizer", level);
        root.set("decoder", level.deepCopy());
        ObjectNode model = (ObjectNode) root.get("model");
        model.put("type", "BPE").putNull("unk_token").putArray("merges");
        return save(directory, root);
    }

    private static Path save(Path directory, ObjectNode tokenizer) throws IOException {
        Files.write(directory.resolve("tokenizer.json"), tokenizer.toString().getBytes(StandardCharsets.UTF_8));
        return directory;
    }

    private static List<String> words() {
        return new ArrayList<>(
                IntStream.range(0, VOCABULARY).mapToObj(i -> "w" + i).toList());
    }

    private static ObjectNode tokenizer(List<String> words) {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putArray("added_tokens");
        root.putNull("normalizer");
        root.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
        root.putNull("post_processor");
        root.putNull("decoder");
        ObjectNode model = root.putObject("model");
        model.put("type", "WordLevel").put("unk_token", words.getFirst());
        ObjectNode vocabulary = model.putObject("vocab");
        for (int i = 0; i < words.size(); i++) {
            vocabulary.put(words.get(i), i);
        }
        return root;
    }
}
