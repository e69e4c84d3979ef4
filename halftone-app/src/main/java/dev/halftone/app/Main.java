package dev.halftone.app;

import dev.halftone.error.HalftoneException;
import dev.halftone.provenance.Provenance;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code halftone}. Exit codes: 0 done, 1 our own fault, 2 wrong usage, 3 bad input, 4 done but a step fell back to a weaker
 * method, 5 out of resources.
 */
@Command(
        name = "halftone",
        description = "Quantizes neural networks after training, and shows what it cost.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            InspectCommand.class,
            OutliersCommand.class,
            QuantizeCommand.class,
            ExportCommand.class,
            EvalCommand.class,
            GenerateCommand.class,
            BenchCommand.class,
            NgramCommand.class,
            PullCommand.class,
            ReproduceCommand.class,
            ReportCommand.class,
            RecommendCommand.class,
            ServeCommand.class,
            SimilarityCommand.class,
            SolveCommand.class,
            StudyCommand.class,
            StudioCommand.class,
            TokenizerCommand.class,
            TrainCommand.class
        })
public final class Main implements Runnable {
    /** Exit code for our own mistakes. */
    static final int INTERNAL = 1;

    static final int FELL_BACK = 4;
    private static final int RESOURCES = 5;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    /** Version for {@code --version}. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"halftone " + Provenance.halftoneVersion()};
        }
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int code = execute(out, err, args);
        out.flush();
        err.flush();
        // Native worker threads must not keep a finished command alive.
        Runtime.getRuntime().halt(code);
    }

    /** Runs a command and returns its exit code: {@link #main} without the end of the process. */
    static int execute(PrintWriter out, PrintWriter err, String... args) {
        return new CommandLine(new Main())
                .setOut(out)
                .setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler((e, _) -> usage(e))
                .setExecutionExceptionHandler((e, command, _) -> failure(e, command.getErr()))
                .execute(args);
    }

    private static int usage(ParameterException e) {
        PrintWriter err = e.getCommandLine().getErr();
        err.println("halftone: HT-010 " + e.getMessage() + "; see halftone "
                + (e.getCommandLine().getParent() == null
                        ? ""
                        : e.getCommandLine().getCommandName() + " ") + "--help");
        return CommandLine.ExitCode.USAGE;
    }

    private static int failure(Throwable failure, PrintWriter err) {
        return switch (failure) {
            case HalftoneException e -> {
                err.println("halftone: " + e.getMessage());
                yield e.exitCode();
            }
            case OutOfMemoryError e -> {
                err.println("halftone: HT-503 the Java heap is full (" + e.getMessage()
                        + "); set HALFTONE_JAVA_OPTS=-Xmx with a larger size");
                yield RESOURCES;
            }
            default -> {
                err.println("halftone: HT-900 this is a mistake in Halftone, not in your input; please report it:");
                failure.printStackTrace(err);
                yield INTERNAL;
            }
        };
    }
}
