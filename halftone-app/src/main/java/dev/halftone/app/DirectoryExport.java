package dev.halftone.app;

import dev.halftone.export.huggingface.HuggingFaceExport;
import dev.halftone.export.huggingface.HuggingFaceExport.Written;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Torch;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;

/** {@code halftone export} to directories that Python engines read. */
final class DirectoryExport {
    private DirectoryExport() {}

    /**
     * What {@code --json} prints.
     *
     * @param packedEqualsMeasured packed weights that were read back with the values of the source, bit for bit
     * @param decoded packed tensors that became plain numbers
     */
    private record Document(
            int schema,
            String format,
            String directory,
            long bytes,
            int packedEqualsMeasured,
            int decoded,
            double seconds,
            Provenance provenance) {}

    static void run(CommandSpec spec, boolean json, String model, String format, Path out) {
        long from = System.nanoTime();
        Torch.load();
        Written written;
        Provenance provenance;
        try (ModelFile file = ModelFile.open(model)) {
            written = HuggingFaceExport.write(file, format, out);
            provenance = Provenance.of(file.checkpoint().files(), Map.of("format", format));
        }
        double seconds = (System.nanoTime() - from) / 1e9;
        PrintWriter writer = spec.commandLine().getOut();
        if (json) {
            CommonOptions.print(
                    writer,
                    new Document(
                            1,
                            written.format(),
                            out.toString(),
                            written.bytes(),
                            written.equal(),
                            written.decoded(),
                            seconds,
                            provenance));
            return;
        }
        writer.printf("%s: %s, %,d bytes, %.1f s%n", out, written.format(), written.bytes(), seconds);
        writer.printf("%d weights read back: packed == measured, bit for bit%n", written.equal());
        if (written.decoded() > 0) {
            writer.printf("%d packed tensors became plain numbers%n", written.decoded());
        }
        writer.flush();
    }
}
