package dev.halftone.app;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.halftone.hub.FileChoice;
import dev.halftone.hub.HubDownload;
import dev.halftone.hub.HubEnvironment;
import dev.halftone.hub.HubId;
import dev.halftone.hub.PulledModel;
import dev.halftone.hub.PulledModel.PulledFile;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone pull OWNER/NAME[@REVISION]}. */
@Command(
        name = "pull",
        description = "Downloads a model from the Hugging Face hub into its usual cache directory.",
        mixinStandardHelpOptions = true)
final class PullCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "OWNER/NAME[@REVISION]", description = "the model; a revision is a branch, tag or commit")
    private String model = "";

    @Option(
            names = "--include",
            paramLabel = "GLOB",
            description = "only the files that match, for example '*Q4_K_M.gguf'; can be given several times")
    private List<String> include = new ArrayList<>();

    @Option(names = "--all", description = "every file of the model")
    private boolean all;

    @Option(names = "--parallel", paramLabel = "N", description = "files to fetch at once (default: ${DEFAULT-VALUE})")
    private int parallel = 4;

    @Option(names = "--json", description = "print one JSON document on standard output")
    private boolean json;

    /** A file of the document: one of the hashes is there. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record FileDocument(
            String name,
            long bytes,
            long downloadedBytes,
            @Nullable String sha256,
            @Nullable String gitSha1) {}

    /** What {@code --json} prints. */
    record Document(
            int schema,
            String model,
            String revision,
            String commit,
            String directory,
            List<FileDocument> files,
            double seconds) {}

    @Override
    public Integer call() throws InterruptedException {
        if (all && !include.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--all and --include exclude each other");
        }
        long start = System.nanoTime();
        HubId id = HubId.parse(model);
        HubDownload download = HubDownload.from(HubEnvironment.current());
        PulledModel pulled;
        try (ProgressLine progress = new ProgressLine("pulling")) {
            pulled = download.pull(id, new FileChoice(all, include), parallel, progress::updateBytes);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            CommonOptions.print(out, document(pulled, seconds));
        } else {
            spec.commandLine()
                    .getErr()
                    .printf(
                            "%s: %d files, %,d bytes, %,d of them fetched in %.1f s%n",
                            id, pulled.files().size(), pulled.bytes(), pulled.downloadedBytes(), seconds);
            out.println(pulled.directory());
            out.flush();
        }
        return 0;
    }

    private static Document document(PulledModel pulled, double seconds) {
        return new Document(
                SCHEMA,
                pulled.id().repository(),
                pulled.id().revision(),
                pulled.commit(),
                pulled.directory().toString(),
                pulled.files().stream().map(PullCommand::file).toList(),
                seconds);
    }

    private static FileDocument file(PulledFile file) {
        return new FileDocument(file.name(), file.bytes(), file.downloadedBytes(), file.sha256(), file.gitSha1());
    }
}
