package dev.halftone.training;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One training run: from a configuration to a model directory. Its checkpoint and log lie in {@code .NAME.training} beside it. */
public final class Trainer {
    private final TrainingConfig config;
    private final Path out;
    private final Path work;
    private final Workers workers;

    /** What a run left behind. {@code tokensPerSecond} is of this process, without validation; 0 if it trained nothing. */
    public record Result(
            int steps,
            long parameters,
            long trainedTokens,
            double loss,
            double validationLoss,
            double validationPerplexity,
            double bitsPerByte,
            double tokensPerSecond) {}

    /** Told after each step. */
    @FunctionalInterface
    public interface Progress {
        void step(int done, int steps, double loss, double tokensPerSecond);
    }

    public Trainer(TrainingConfig config, Path out, Workers workers) {
        this.config = config;
        this.out = out.toAbsolutePath().normalize();
        this.work = this.out.resolveSibling("." + this.out.getFileName() + ".training");
        this.workers = workers;
    }

    /** Where the log and the checkpoint are. */
    public Path work() {
        return work;
    }

    /** True if there is nothing left to do. */
    public boolean finished() {
        return Files.isRegularFile(out.resolve("model.safetensors"));
    }

    /** @param resume go on from the last checkpoint, if there is one */
    public Result run(boolean resume, Progress progress) {
        if (Files.exists(out)) {
            throw new InputException("HT-804", out.toString(), "exists already", "name another --out");
        }
        try (TextTokenizer tokenizer = TextTokenizer.fromDirectory(config.data().tokenizer())) {
            if (config.init().isEmpty()) {
                DecoderSpec spec = Families.read(config.model(), Set.of(), "model");
                return train(tokenizer, config.model(), spec, null, resume, progress);
            }
            try (ModelFile init = ModelFile.open(Path.of(config.init()))) {
                return train(tokenizer, init.checkpoint().config(), init.spec(), init, resume, progress);
            }
        } catch (IOException e) {
            throw new ResourceException("HT-802", work.toString(), "cannot be written: " + e, "free space");
        }
    }

    private Result train(
            TextTokenizer tokenizer,
            ObjectNode model,
            DecoderSpec spec,
            @Nullable ModelFile init,
            boolean resume,
            Progress progress)
            throws IOException {
        TrainingConfig.Run run = config.run();
        Files.createDirectories(work);
        TokenData train = tokens(config.data().train(), tokenizer, spec);
        TokenData validation = tokens(config.data().validation(), tokenizer, spec);
        String hash = hash(tokenizer);
        Path checkpoint = work.resolve("checkpoint.bin");
        Path log = work.resolve("log.jsonl");
        try (Arena arena = Arena.ofShared()) {
            Parameters parameters = new Parameters(spec, arena);
            Optimizer optimizer = new AdamW(config.optimizer(), parameters.count(), arena);
            TrainingStep step =
                    new TrainingStep(spec, parameters, run.products(), run.batch() / run.microBatch(), workers, arena);
            List<MemorySegment> memories = new ArrayList<>(optimizer.state());
            memories.add(parameters.values());
            int start = 0;
            if (resume && Files.isRegularFile(checkpoint)) {
                TrainingCheckpoint.Standing standing = TrainingCheckpoint.read(checkpoint, hash, memories);
                start = standing.step();
                try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "rw")) {
                    file.setLength(standing.logBytes());
                }
            } else {
                Files.deleteIfExists(checkpoint);
                Files.writeString(log, "");
                if (init == null) {
                    parameters.initialize(spec, run.seed());
                } else {
                    parameters.copyFrom(init.weights());
                }
            }
            double loss = Double.NaN;
            double seconds = 0;
            double validationLoss = Double.NaN;
            int epoch = -1;
            int[] order = {};
            for (int s = start; s < run.steps(); s++) {
                long begin = System.nanoTime();
                List<TokenData.Batch> batches = new ArrayList<>();
                int[] windows = new int[run.microBatch()];
                for (int i = 0; i < run.batch(); i++) {
                    long number = (long) s * run.batch() + i;
                    int of = Math.toIntExact(number / train.windows());
                    if (of != epoch) {
                        epoch = of;
                        order = train.order(run.seed(), epoch);
                    }
                    windows[i % windows.length] = order[(int) (number % train.windows())];
                    if ((i + 1) % windows.length == 0) {
                        batches.add(train.batch(windows));
                    }
                }
                TrainingStep.Result result = step.gradient(batches, run.microBatch());
                if (!Double.isFinite(result.loss()) || !Double.isFinite(result.norm())) {
                    throw new InputException(
                            "HT-805", "step " + (s + 1), "the loss is no longer finite", "use a smaller schedule.rate");
                }
                double clip = config.schedule().clip();
                double scale = clip == 0 ? 1 : Math.min(1, clip / (result.norm() + 1e-6));
                double rate = config.schedule().at(s, run.steps());
                int number = s + 1;
                workers.forEach(
                        parameters.pieces().size(),
                        p -> optimizer.update(
                                parameters.values(),
                                step.total(),
                                parameters.pieces().get(p),
                                scale,
                                rate,
                                number));
                loss = result.loss();
                seconds += (System.nanoTime() - begin) / 1e9;
                double speed = (s + 1.0 - start) * stepTokens() / seconds;
                append(
                        log,
                        "{\"step\":%d,\"tokens\":%d,\"loss\":%.6f,\"gradient_norm\":%.6f,\"rate\":%.8f}"
                                .formatted(number, number * stepTokens(), loss, result.norm(), rate));
                progress.step(number, run.steps(), loss, speed);
                if (number % run.validateEvery() == 0 || number == run.steps()) {
                    validationLoss = validate(step, validation);
                    append(
                            log,
                            "{\"step\":%d,\"validation_loss\":%.6f,\"validation_perplexity\":%.4f,\"bits_per_byte\":%.5f}"
                                    .formatted(
                                            number,
                                            validationLoss,
                                            Math.exp(validationLoss),
                                            bitsPerByte(validationLoss, validation)));
                }
                if (number % run.saveEvery() == 0 && number < run.steps()) {
                    TrainingCheckpoint.write(
                            checkpoint, hash, new TrainingCheckpoint.Standing(number, Files.size(log)), memories);
                }
            }
            Result result = new Result(
                    run.steps(),
                    parameters.count(),
                    run.steps() * stepTokens(),
                    loss,
                    validationLoss,
                    Math.exp(validationLoss),
                    bitsPerByte(validationLoss, validation),
                    seconds == 0 ? 0 : (run.steps() - start) * stepTokens() / seconds);
            Path part = work.resolve("model");
            TrainedModel.write(part, model, parameters, run.stored(), tokenizer, card(result, hash));
            Files.move(part, out, StandardCopyOption.ATOMIC_MOVE);
            Files.deleteIfExists(checkpoint);
            return result;
        }
    }

    private TokenData tokens(List<Path> files, TextTokenizer tokenizer, DecoderSpec spec) {
        int bos = config.data().bos() ? tokenizer.bosId() : -1;
        if (config.data().bos() && bos < 0) {
            throw new InputException(
                    "HT-806", config.data().tokenizer().toString(), "has no BOS token", "set data.bos: false");
        }
        TokenData data = TokenData.of(files, tokenizer, config.data().sequence(), bos, work.resolve("tokens"), workers);
        int highest = Math.max(data.highestId(), bos);
        if (highest >= spec.embedding().vocabulary()) {
            throw new InputException(
                    "HT-807",
                    config.data().tokenizer().toString(),
                    "gives token %d; the model's vocabulary ends at %d"
                            .formatted(highest, spec.embedding().vocabulary() - 1),
                    "use the tokenizer that belongs to the model, or a larger model.vocabulary");
        }
        return data;
    }

    /** Everything that the bytes of the result depend on. */
    private String hash(TextTokenizer tokenizer) {
        StringBuilder all = new StringBuilder(config.source()).append(Provenance.sha256(tokenizer.toJson()));
        for (List<Path> files : List.of(config.data().train(), config.data().validation())) {
            files.forEach(file -> all.append('\n').append(Provenance.sha256(file)));
        }
        return Provenance.sha256(all.toString());
    }

    private long stepTokens() {
        return (long) config.run().batch() * config.data().sequence();
    }

    /** Evenly spread windows, the same at each validation. */
    private double validate(TrainingStep step, TokenData data) {
        int size = config.run().microBatch();
        int count = Math.max(1, Math.min(config.run().validationWindows(), data.windows()) / size);
        int width = Math.min(size, data.windows());
        List<TokenData.Batch> batches = new ArrayList<>();
        for (int b = 0; b < count; b++) {
            int[] windows = new int[width];
            int first = b * width;
            Arrays.setAll(windows, i -> (int) ((long) (first + i) * data.windows() / ((long) count * width)));
            batches.add(data.batch(windows));
        }
        return step.loss(batches, width);
    }

    private static double bitsPerByte(double loss, TokenData data) {
        return loss / Math.log(2) / data.bytesPerToken();
    }

    private static void append(Path log, String line) throws IOException {
        Files.writeString(log, line + "\n", StandardOpenOption.APPEND);
    }

    private String card(Result result, String hash) {
        return """
                # A small language model trained by Halftone

                %d parameters, %d tokens of training in %d steps. Validation: loss %.4f, perplexity %.3f, %.4f bits per byte.

                Configuration, tokenizer and texts together have the SHA-256 %s.
                The configuration:

                ```yaml
                %s```
                """.formatted(
                        result.parameters(),
                        result.trainedTokens(),
                        result.steps(),
                        result.validationLoss(),
                        result.validationPerplexity(),
                        result.bitsPerByte(),
                        hash,
                        config.source());
    }
}
