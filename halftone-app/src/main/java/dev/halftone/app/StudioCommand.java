package dev.halftone.app;

import dev.halftone.study.studio.Studio;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone studio DIR}. */
@Command(
        name = "studio",
        description = "Serves a study's page to this machine, live while the study runs; ends with Ctrl-C.",
        mixinStandardHelpOptions = true)
final class StudioCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "DIR", description = "where a study runs or has run")
    private Path directory = Path.of("");

    @Option(names = "--port", paramLabel = "N", description = "on the loopback interface (default: ${DEFAULT-VALUE})")
    private int port = 8765;

    @Override
    public Integer call() throws InterruptedException {
        try (Studio studio = new Studio(directory, port)) {
            PrintWriter writer = spec.commandLine().getOut();
            writer.println("studio on " + studio.address());
            writer.flush();
            new CountDownLatch(1).await();
        }
        return 0;
    }
}
