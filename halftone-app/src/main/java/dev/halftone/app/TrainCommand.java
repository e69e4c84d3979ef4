package dev.halftone.app;

import dev.halftone.tensor.Workers;
import dev.halftone.training.Trainer;
import dev.halftone.training.TrainingConfig;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone train CONFIG.yaml --out DIR}. */
@Command(name = "train", description = "Trains a small model by a configuration.", mixinStandardHelpOptions = true)
final class TrainCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "CONFIG", description = "training file, such as zoo/llama-nano.yaml")
    private Path config = Path.of("");

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "model directory to write")
    private Path out = Path.of("");

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "directory that the configuration's paths start from (default: its own)")
    private @Nullable Path data;

    @Mixin
    private DeviceOption device = new DeviceOption();

    @Option(names = "--resume", description = "go on from the last checkpoint; a finished run is left as it is")
    private boolean resume;

    /** The document of {@code --json}. */
    private record Document(
            int schema,
            String out,
            int steps,
            long parameters,
            long trainedTokens,
            double loss,
            List<Trainer.Validated> validation,
            double tokensPerSecond) {
        static Document of(Path out, Trainer.Result result) {
            return new Document(
                    1,
                    out.toString(),
                    result.steps(),
                    result.parameters(),
                    result.trainedTokens(),
                    result.loss(),
                    result.validation(),
                    result.tokensPerSecond());
        }
    }

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        Path own = Objects.requireNonNull(config.toAbsolutePath().getParent());
        TrainingConfig chosen = TrainingConfig.read(config, data == null ? own : data);
        PrintWriter writer = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try (Workers workers = new Workers(threads)) {
            Trainer trainer = new Trainer(chosen, out, device.chosen(), workers);
            if (resume && trainer.finished()) {
                err.println("halftone: " + out + " is finished");
                return 0;
            }
            long[] last = {System.nanoTime()};
            Trainer.Result result = trainer.run(resume, (done, steps, loss, speed, left) -> {
                long now = System.nanoTime();
                if (now - last[0] > 10_000_000_000L || done == steps) {
                    last[0] = now;
                    long minutes = Math.round(left / 60);
                    err.printf(
                            "step %d/%d, loss %.4f, %.0f tokens/s, %d h %02d min left%n",
                            done, steps, loss, speed, minutes / 60, minutes % 60);
                    err.flush();
                }
            });
            if (common.json) {
                CommonOptions.print(writer, Document.of(out, result));
            } else {
                writer.printf(
                        "%s: %d parameters, %d tokens, loss %.4f, validation perplexity %.3f (%.4f bits per byte),"
                                + " %.0f tokens/s%n",
                        out,
                        result.parameters(),
                        result.trainedTokens(),
                        result.loss(),
                        result.all().perplexity(),
                        result.all().bitsPerByte(),
                        result.tokensPerSecond());
            }
            writer.flush();
        }
        return 0;
    }
}
