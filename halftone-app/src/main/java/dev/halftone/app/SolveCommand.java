package dev.halftone.app;

import dev.halftone.discrete.Amvm;
import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code halftone solve}: discrete problems with AMVM. */
@Command(
        name = "solve",
        description = "Solves discrete problems: filters of few bits, images of few grey levels.",
        mixinStandardHelpOptions = true,
        subcommands = {SolveFirCommand.class, SolveTomographyCommand.class})
final class SolveCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a problem is missing: fir or tomography");
    }

    /** What every problem can be given. */
    static final class Search {
        @Option(names = "--json", description = "print one JSON document on standard output")
        boolean json;

        @Option(names = "--html", paramLabel = "FILE", description = "write a page that draws the result")
        @Nullable
        Path html;

        @Option(
                names = "--iterations",
                paramLabel = "N",
                description = "of the large neighbourhood search (default: ${DEFAULT-VALUE})")
        int iterations = 200;

        @Option(
                names = "--seconds",
                paramLabel = "S",
                description = "begin no further iteration after S seconds: the result then depends on the machine")
        double seconds = Double.POSITIVE_INFINITY;

        @Option(names = "--seed", paramLabel = "N", description = "of the search's draws (default: ${DEFAULT-VALUE})")
        long seed = 9101;

        @Option(
                names = "--destroyed",
                paramLabel = "N",
                description = "variables that are drawn at least in an iteration (default: ${DEFAULT-VALUE})")
        int destroyed = 3;

        Amvm.Options options() {
            return Amvm.Options.of(Amvm.Mode.SWAPS_AND_STEPS, iterations, false, seed)
                    .withSeconds(seconds)
                    .withDestroyed(destroyed);
        }

        /** Before the work: a search of minutes must not end with a folder that is not there. */
        void checkPage() {
            Path file = html;
            Path parent = file == null ? null : file.toAbsolutePath().getParent();
            if (parent != null && !Files.isDirectory(parent)) {
                throw failure("no directory " + parent);
            }
        }

        void write(String page) {
            Path file = html;
            if (file != null) {
                try {
                    Files.writeString(file, page);
                } catch (IOException e) {
                    throw failure("cannot be written: " + e);
                }
            }
        }

        private ResourceException failure(String finding) {
            return new ResourceException("HT-764", String.valueOf(html), finding, "check the path and the disk");
        }
    }
}
