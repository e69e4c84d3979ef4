package dev.halftone.app;

import dev.halftone.format.ModelFile;
import dev.halftone.runtime.Engines;
import dev.halftone.runtime.generate.TextModel;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of the commands that write text. */
final class EngineOptions {
    @Mixin
    private ComputeOptions computing = new ComputeOptions();

    @Option(names = "--engine", paramLabel = Engines.NAMES, description = "what runs the model (default: auto)")
    private String engine = "auto";

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "most tokens of prompt and answer (default: what the model was trained for)")
    private int context;

    /** The caller closes it before the file. */
    TextModel open(ModelFile file, int threads) {
        return TextModel.open(file, Engines.named(engine), computing.chosen(), threads, context);
    }
}
