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
            double scale = norm ? 0.1 : tensor.name().contains("embed") ? 1 : 0.25;
            for (int i = 0; i < elements; i++) {
                values.put((float) ((norm ? 1 : 0) + scale * random.nextGaussian()));
            }
            parts.add(
                    new StoredPart(tensor.name(), SafetensorsDtype.F32, tensor.shape(), MemorySegment.ofArray(bytes)));
        }
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), config);
        Files.write(directory.resolve("tokenizer.json"), tokenizer().getBytes(StandardCharsets.UTF_8));
        return directory;
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

    private static String tokenizer() {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", "1.0");
        root.putArray("added_tokens");
        root.putNull("normalizer");
        root.putObject("pre_tokenizer").put("type", "WhitespaceSplit");
        root.putNull("post_processor");
        root.putNull("decoder");
        ObjectNode model = root.putObject("model");
        model.put("type", "WordLevel").put("unk_token", "w0");
        ObjectNode vocabulary = model.putObject("vocab");
        for (int i = 0; i < VOCABULARY; i++) {
            vocabulary.put("w" + i, i);
        }
        return root.toString();
    }
}
