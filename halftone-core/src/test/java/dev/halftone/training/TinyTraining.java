package dev.halftone.training;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A training file of a tiny model with texts and a tokenizer beside it. */
final class TinyTraining {
    private TinyTraining() {}

    /** Writes the texts and the tokenizer of whole words; BOS is id 1. */
    static Path data(Path directory) throws IOException {
        TinyModel.write(directory.resolve("tokenizer"), 3);
        TinyModel.withSpecialTokens(directory.resolve("tokenizer"), true);
        for (String part : new String[] {"train", "validation"}) {
            Files.writeString(directory.resolve("a." + part + ".txt"), counting(part.equals("train") ? 400 : 80, 1));
            Files.writeString(directory.resolve("b." + part + ".txt"), counting(part.equals("train") ? 300 : 60, 2));
        }
        return directory;
    }

    /** Words whose next one follows from the last: something that can be learned. */
    private static String counting(int words, int stride) {
        StringBuilder text = new StringBuilder();
        int word = 3;
        for (int i = 0; i < words; i++) {
            text.append('w').append(word).append(' ');
            word = 3 + (word - 3 + stride) % 90;
        }
        return text.toString();
    }

    static String model(String family) {
        String more = family.equals("opt") || family.equals("gpt2") ? "" : ", kv_heads: 1";
        if (ExpertKeys.FAMILIES.contains(family)) {
            more += ", experts: 4, expert_width: 12";
        }
        return "model: {family: " + family + ", hidden: 16, layers: 2, heads: 2, intermediate: 24, vocabulary: 96"
                + more + "}\n";
    }

    static String yaml(String model, String run) {
        return model + """
                data:
                  tokenizer: tokenizer
                  sources:
                    a: {train: a.train.txt, validation: a.validation.txt}
                    b: {train: [b.*ain.txt], validation: b.validation.txt}
                  sequence: 8
                schedule: {rate: 1e-2}
                optimizer: {method: adamw}
                run: {batch: 8, micro_batch: 2, validation_windows: 4, %s}
                """.formatted(run);
    }

    /** Reads a configuration over the data. */
    static TrainingConfig config(Path data, String yaml) throws IOException {
        Path file = data.resolve("config.yaml");
        Files.writeString(file, yaml);
        return TrainingConfig.read(file, data);
    }
}
