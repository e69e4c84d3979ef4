package dev.halftone.export.gguf;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.Families;
import dev.halftone.text.BpeTrainer;
import dev.halftone.text.TrainedTokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A llama with seeded random weights whose tokenizer is byte-level BPE: one that llama.cpp can hold. */
public final class SmallModel {
    public static final int VOCABULARY = 300;

    private SmallModel() {}

    /** Writes a model of two blocks, width 64 and MLP width 256. */
    public static Path write(Path directory, long seed) throws IOException {
        return write(directory, seed, config());
    }

    static ObjectNode config() {
        return JsonMapper.shared()
                .createObjectNode()
                .put("model_type", "llama")
                .put("hidden_size", 64)
                .put("intermediate_size", 256)
                .put("num_hidden_layers", 2)
                .put("num_attention_heads", 4)
                .put("num_key_value_heads", 2)
                .put("vocab_size", VOCABULARY)
                .put("rms_norm_eps", 1e-5)
                .put("max_position_embeddings", 128)
                .put("rope_theta", 10000.0)
                .put("tie_word_embeddings", true);
    }

    static Path write(Path directory, long seed, ObjectNode config) throws IOException {
        Files.createDirectories(directory);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        List<StoredPart> parts = new ArrayList<>();
        for (Decoder.Expected tensor : Decoder.tensors(Families.read(config, Set.of(), "small"))) {
            int elements = 1;
            for (long dimension : tensor.shape()) {
                elements *= (int) dimension;
            }
            byte[] bytes = new byte[elements * Float.BYTES];
            FloatBuffer values =
                    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
            boolean norm = tensor.shape().length == 1;
            for (int i = 0; i < elements; i++) {
                values.put((float) ((norm ? 1 : 0) + 0.15 * random.nextGaussian()));
            }
            parts.add(
                    new StoredPart(tensor.name(), SafetensorsDtype.F32, tensor.shape(), MemorySegment.ofArray(bytes)));
        }
        ModelWriter.writeModel(directory, parts);
        ModelWriter.writeJson(directory.resolve("config.json"), config);
        BpeTrainer trainer = new BpeTrainer();
        trainer.add(text(2000, 1));
        TrainedTokenizer.write(trainer.train(VOCABULARY), directory);
        return directory;
    }

    /** A seeded text of that many short words. */
    public static String text(int words, long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        StringBuilder text = new StringBuilder();
        String[] syllables = {"ba", "no", "ri", "ten", "lo", "qua", "s", "mur"};
        for (int i = 0; i < words; i++) {
            for (int s = 0; s <= random.nextInt(3); s++) {
                text.append(syllables[random.nextInt(syllables.length)]);
            }
            text.append(i % 9 == 8 ? ". " : " ");
        }
        return text.toString();
    }
}
