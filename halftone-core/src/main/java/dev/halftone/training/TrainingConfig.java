package dev.halftone.training;

import dev.halftone.tensor.ComputeType;
import dev.halftone.text.TextFiles;
import dev.halftone.yaml.YamlReader;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a training file asks for. Paths in it are relative to the data directory, by default the file's own.
 *
 * @param model the Hugging Face config; empty where {@code init} names a model
 * @param init model to start from, or empty
 * @param name of the file, without its directory
 * @param source the file's text, for provenance
 */
public record TrainingConfig(
        ObjectNode model,
        String init,
        Data data,
        Schedule schedule,
        OptimizerOptions optimizer,
        Run run,
        String name,
        String source) {
    /** Texts and windows. {@code sequence} tokens per window; {@code bos}: every window starts with it. */
    public record Data(Path tokenizer, List<Source> sources, int sequence, boolean bos) {
        /** The training texts of all sources. */
        List<Path> train() {
            return sources.stream().flatMap(source -> source.train().stream()).toList();
        }
    }

    /** Texts of one kind; what they teach is measured by themselves. Either list may be empty, not both. */
    public record Source(String name, List<Path> train, List<Path> validation) {}

    /**
     * Learning rate over the steps, and the global norm at which gradients are clipped (0: never).
     *
     * @param warmup share of the steps in which the rate rises linearly
     * @param decay share of the steps at the end in which it falls linearly; used by wsd alone
     */
    public record Schedule(String kind, double rate, double warmup, double decay, double finalShare, double clip) {
        /** The rate of a step, counted from 0. */
        public double at(int step, int steps) {
            double rising = warmup * steps;
            if (step + 1 < rising) {
                return rate * (step + 1) / rising;
            }
            double factor;
            if (kind.equals("cosine")) {
                double done = (step - rising) / Math.max(1, steps - rising);
                factor = 0.5 * (1 + Math.cos(Math.PI * Math.clamp(done, 0.0, 1.0)));
            } else {
                double falling = decay * steps;
                factor = falling == 0 ? 1 : Math.min(1, (steps - step) / falling);
            }
            return rate * (finalShare + (1 - finalShare) * factor);
        }
    }

    /**
     * Amounts of work.
     *
     * @param batch sequences per step
     * @param microBatch sequences that one thread computes at once
     * @param products type of the matrix products
     * @param balance weight of {@link BalanceLoss}
     */
    public record Run(
            int steps,
            int batch,
            int microBatch,
            int validateEvery,
            int saveEvery,
            int validationWindows,
            long seed,
            ComputeType products,
            ComputeType stored,
            double balance) {}

    /** Tokens of a step. */
    long stepTokens() {
        return (long) run.batch() * data.sequence();
    }

    /** Reads a file; every complaint names line and column. */
    public static TrainingConfig read(Path file, Path data) {
        String text = TextFiles.read(file);
        YamlReader root = YamlReader.document(file.toString(), text);
        TrainingConfig config = TrainingKeys.read(root, data, String.valueOf(file.getFileName()), text);
        root.finish();
        return config;
    }
}
