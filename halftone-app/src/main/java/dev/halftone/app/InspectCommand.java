package dev.halftone.app;

import picocli.CommandLine.Command;

/** {@code halftone inspect MODEL}. */
@Command(name = "inspect", description = "Shows a model, and checks every tensor.", mixinStandardHelpOptions = true)
final class InspectCommand implements java.util.concurrent.Callable<Integer> {
    @Override
    public Integer call() {
        return 0;
    }
}
