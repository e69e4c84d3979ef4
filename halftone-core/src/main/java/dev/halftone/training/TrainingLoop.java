package dev.halftone.training;

import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The steps of a run, from nothing or from a checkpoint, with its log. */
final class TrainingLoop {
    private final TrainingConfig config;
    private final Parameters parameters;
    private final TokenData train;
    private final Validation validation;
    private final ComputeDevice device;
    private final Workers workers;
    private final String hash;
    private final Path checkpoint;
    private final TrainingLog log;
    private final Optimizer optimizer;
    private final List<MemorySegment> memories;
    private final Arena arena;
    private int done;
    private int epoch = -1;
    private int[] order = {};

    /** Loss of the last step, scores after it, and the speed of this process. */
    record End(double loss, List<Validation.Score> scores, double tokensPerSecond) {}

    /** @param hash of everything that the result depends on */
    TrainingLoop(
            TrainingConfig config,
            Parameters parameters,
            TokenData train,
            Validation validation,
            Path work,
            String hash,
            ComputeDevice device,
            Workers workers,
            Arena arena) {
        this.config = config;
        this.parameters = parameters;
        this.train = train;
        this.validation = validation;
        this.device = device;
        this.workers = workers;
        this.hash = hash;
        this.arena = arena;
        this.checkpoint = work.resolve("checkpoint.bin");
        this.log = new TrainingLog(work.resolve("log.jsonl"), work.resolve("training.html"));
        this.optimizer = switch (config.optimizer()) {
            case AdamW.Options options -> new AdamW(options, parameters.pieces(), arena);
            case Muon.Options options -> new Muon(options, parameters, arena);
        };
        this.memories = new ArrayList<>(optimizer.state());
        memories.add(parameters.values());
    }

    TrainingLog log() {
        return log;
    }

    /** Goes back to the last checkpoint; false if there is none. */
    boolean restore() throws IOException {
        if (!Files.isRegularFile(checkpoint)) {
            return false;
        }
        TrainingCheckpoint.Standing standing = TrainingCheckpoint.read(checkpoint, hash, memories);
        done = standing.step();
        try (RandomAccessFile file = new RandomAccessFile(log.file().toFile(), "rw")) {
            file.setLength(standing.logBytes());
        }
        return true;
    }

    /** Forgets what an earlier run left. */
    void begin() throws IOException {
        discard();
        Files.writeString(log.file(), "");
    }

    /** Deletes the checkpoint. */
    void discard() throws IOException {
        Files.deleteIfExists(checkpoint);
    }

    End run(DecoderSpec spec, Trainer.Progress progress) throws IOException {
        TrainingConfig.Run run = config.run();
        Compute compute = new Compute(ComputeType.FLOAT32, run.products(), device);
        TrainingStep step = new TrainingStep(
                spec, parameters, compute, run.balance(), run.batch() / run.microBatch(), workers, arena);
        double loss = Double.NaN;
        double seconds = 0;
        int start = done;
        List<Validation.Score> scores = List.of();
        while (done < run.steps()) {
            long begin = System.nanoTime();
            loss = step(step);
            seconds += (System.nanoTime() - begin) / 1e9;
            progress.step(
                    done,
                    run.steps(),
                    loss,
                    (done - start) * config.stepTokens() / seconds,
                    seconds / (done - start) * (run.steps() - done));
            if (done % run.validateEvery() == 0 || done == run.steps()) {
                scores = validation.scores(step);
                log.validated(done, scores, validation.outliers(step));
            }
            if (done % run.saveEvery() == 0 && done < run.steps()) {
                TrainingCheckpoint.write(
                        checkpoint, hash, new TrainingCheckpoint.Standing(done, Files.size(log.file())), memories);
            }
        }
        return new End(loss, scores, (done - start) * config.stepTokens() / seconds);
    }

    /** One update of all parameters; returns the loss before it. */
    private double step(TrainingStep step) throws IOException {
        TrainingConfig.Schedule schedule = config.schedule();
        TrainingStep.Result result = step.gradient(batches(done), config.run().microBatch());
        if (!Double.isFinite(result.loss()) || !Double.isFinite(result.norm())) {
            throw new InputException(
                    "HT-805", "step " + (done + 1), "the loss is no longer finite", "use a smaller schedule.rate");
        }
        double scale = schedule.clip() == 0 ? 1 : Math.min(1, schedule.clip() / (result.norm() + 1e-6));
        double rate = schedule.at(done, config.run().steps());
        int number = done + 1;
        List<Optimizer.Piece> pieces = optimizer.pieces();
        workers.forEach(
                pieces.size(),
                p -> optimizer.update(parameters.values(), step.total(), pieces.get(p), scale, rate, number));
        done = number;
        log.step(number, number * config.stepTokens(), result, rate);
        return result.loss();
    }

    /** The micro-batches of a step: epochs follow one another without a gap. */
    private List<TokenData.Batch> batches(int step) {
        TrainingConfig.Run run = config.run();
        List<TokenData.Batch> batches = new ArrayList<>();
        int[] windows = new int[run.microBatch()];
        for (int i = 0; i < run.batch(); i++) {
            long number = (long) step * run.batch() + i;
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
        return batches;
    }
}
