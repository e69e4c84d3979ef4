package dev.halftone.training;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** One training run: from a configuration to a model directory. Its checkpoint and log lie in {@code .NAME.training} beside it. */
public final class Trainer {
    private final TrainingConfig config;
    private final Path out;
    private final Path work;
    private final ComputeDevice device;
    private final Workers workers;

    /**
     * What a run left behind.
     *
     * @param validation by source, last "all"
     * @param tokensPerSecond of this process, without validation
     */
    public record Result(
            int steps,
            long parameters,
            long trainedTokens,
            double loss,
            List<Validated> validation,
            double tokensPerSecond) {
        /** Of all sources together. */
        public Validated all() {
            return validation.getLast();
        }
    }

    /** Loss in nats per token. */
    public record Validated(String source, long tokens, double loss, double perplexity, double bitsPerByte) {
        static Validated of(Validation.Score score) {
            return new Validated(score.source(), score.tokens(), score.loss(), score.perplexity(), score.bitsPerByte());
        }
    }

    /** Told after each step; {@code secondsLeft} counts training, not validation. */
    @FunctionalInterface
    public interface Progress {
        void step(int done, int steps, double loss, double tokensPerSecond, double secondsLeft);
    }

    /** @param device of forward and backward passes; values, gradients and the optimizer stay in host memory */
    public Trainer(TrainingConfig config, Path out, ComputeDevice device, Workers workers) {
        this.config = config;
        this.out = out.toAbsolutePath().normalize();
        this.work = this.out.resolveSibling("." + this.out.getFileName() + ".training");
        this.device = device;
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
            try (ModelFile init = ModelFile.open(config.init())) {
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
        Files.createDirectories(work);
        List<Path> trained = config.data().train();
        TokenData train = tokens(trained, tokenizer, spec);
        Validation validation =
                new Validation(config.run().validationWindows(), config.run().microBatch());
        for (TrainingConfig.Source source : config.data().sources()) {
            if (!source.validation().isEmpty()) {
                validation.add(source.name(), tokens(source.validation(), tokenizer, spec));
            }
        }
        String hash = hash(tokenizer);
        try (Arena arena = Arena.ofShared()) {
            Parameters parameters = new Parameters(spec, arena);
            TrainingLoop loop =
                    new TrainingLoop(config, parameters, train, validation, work, hash, device, workers, arena);
            if (!resume || !loop.restore()) {
                loop.begin();
                if (init == null) {
                    parameters.initialize(spec, config.run().seed());
                } else {
                    parameters.copyFrom(init.weights());
                }
            }
            TrainingLoop.End end = loop.run(spec, progress);
            Result result = new Result(
                    config.run().steps(),
                    parameters.count(),
                    config.run().steps() * config.stepTokens(),
                    end.loss(),
                    end.scores().stream().map(Validated::of).toList(),
                    end.tokensPerSecond());
            Path part = work.resolve("model");
            String card = new ModelCard(
                            config,
                            device,
                            Provenance.sha256(tokenizer.toJson()),
                            loop.log().file())
                    .text(result, hash);
            TrainedModel.write(
                    part,
                    model,
                    parameters,
                    config.run().stored(),
                    tokenizer,
                    config.data().bos(),
                    card);
            Files.copy(loop.log().page(), part.resolve("training.html"), StandardCopyOption.REPLACE_EXISTING);
            Files.move(part, out, StandardCopyOption.ATOMIC_MOVE);
            loop.discard();
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
        for (TrainingConfig.Source source : config.data().sources()) {
            for (List<Path> files : List.of(source.train(), source.validation())) {
                all.append('\n').append(source.name());
                files.forEach(file -> all.append('\n').append(Provenance.sha256(file)));
            }
        }
        return Provenance.sha256(all.toString());
    }
}
