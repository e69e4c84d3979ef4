package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufExport;
import dev.halftone.export.gguf.GgufExport.Written;
import dev.halftone.export.gguf.ImportanceFile;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone export MODEL --format F --out OUT}. */
@Command(name = "export", description = "Writes a model as a file of another engine.", mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {
    private static final String GGUF = "gguf:";

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
            description = "gguf:TYPE with TYPE a file type of llama.cpp, such as Q4_K_M, Q4_0, IQ4_NL or F16;"
                    + " compressed-tensors, gptq, gptq:v1, gptq:v2, awq or safetensors")
    private String format = "";

    @Option(
            names = "--out",
            required = true,
            paramLabel = "FILE|DIR",
            description = "file to write; the formats without gguf: write a directory")
    private Path out = Path.of("");

    @Option(
            names = "--importance",
            paramLabel = "FILE",
            description = "what llama-imatrix wrote (.gguf or .dat): weights are rounded with an eye on it")
    private @Nullable Path importance;

    @Option(names = "--force", description = "replace a GGUF file that is there")
    private boolean force;

    /**
     * What {@code --json} prints.
     *
     * @param tensors number by type and by what was done
     * @param packedEqualsMeasured quantized weights that were read back with the values of the source, bit for bit
     * @param provenance with {@code --json} alone
     */
    record Document(
            int schema,
            String format,
            String file,
            long bytes,
            Map<String, Integer> tensors,
            long packedEqualsMeasured,
            double seconds,
            @Nullable Provenance provenance) {}

    @Override
    public Integer call() {
        long from = System.nanoTime();
        int threads = common.checkedThreads();
        if (!format.startsWith(GGUF)) {
            if (importance != null || force) {
                throw new ParameterException(
                        spec.commandLine(), "--importance and --force go with --format gguf:TYPE only");
            }
            DirectoryExport.run(spec, common.json, model, format, out);
            return 0;
        }
        Mixture mixture = Mixture.named(format.substring(GGUF.length()), "--format");
        if (Files.exists(out) && !force) {
            throw new InputException(
                    "HT-686", out.toString(), "is there already", "choose another --out, or add --force");
        }
        ImportanceFile columns = importance == null ? null : ImportanceFile.read(importance);
        List<Written> written;
        List<Path> inputs;
        try (ModelFile file = ModelFile.open(model);
                Workers workers = Workers.withoutTorch(threads)) {
            inputs = new ArrayList<>(file.checkpoint().files());
            try (ProgressLine progress = new ProgressLine("exporting")) {
                written = GgufExport.write(file, mixture, columns, out, workers, progress::update);
            }
        }
        Map<String, Integer> counts = written.stream()
                .collect(Collectors.toMap(
                        tensor -> "%s %s%s"
                                .formatted(
                                        tensor.type(),
                                        tensor.way().name().toLowerCase(Locale.ROOT),
                                        tensor.weighted() ? " with importance" : ""),
                        _ -> 1,
                        Integer::sum,
                        TreeMap::new));
        if (importance != null) {
            inputs.add(importance);
        }
        print(new Document(
                1,
                format,
                out.toString(),
                size(),
                counts,
                written.stream().filter(Written::equal).count(),
                (System.nanoTime() - from) / 1e9,
                provenance(inputs)));
        return 0;
    }

    /** Null where nobody reads it: it takes a hash of the whole model. */
    private @Nullable Provenance provenance(List<Path> inputs) {
        return common.json ? Provenance.of(inputs, new TreeMap<>(Map.of("format", format))) : null;
    }

    private long size() {
        try {
            return Files.size(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void print(Document document) {
        PrintWriter writer = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(writer, document);
            return;
        }
        writer.printf("%s: %,d bytes, %s, %.1f s%n", out, document.bytes(), format, document.seconds());
        document.tensors().forEach((kind, count) -> writer.printf("  %d tensors %s%n", count, kind));
        if (document.packedEqualsMeasured() > 0) {
            writer.printf("%d weights read back: packed == measured, bit for bit%n", document.packedEqualsMeasured());
        }
        writer.flush();
    }
}
