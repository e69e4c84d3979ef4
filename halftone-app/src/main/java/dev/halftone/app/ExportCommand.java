package dev.halftone.app;

import dev.halftone.format.ModelFile;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone export MODEL --format F --out DIR}. */
@Command(name = "export", description = "Writes a model for another engine.", mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "MODEL", description = ModelFile.NAMES)
    private String model = "";

    @Option(
            names = "--format",
            required = true,
            paramLabel = "F",
            description = "compressed-tensors, gptq, gptq:v1, gptq:v2, awq or safetensors")
    private String format = "";

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "directory to write; must not be there")
    private Path out = Path.of("");

    @Override
    public Integer call() {
        DirectoryExport.run(spec, common.json, model, format, out);
        return 0;
    }
}
