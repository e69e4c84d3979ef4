package dev.halftone.app;

import dev.halftone.text.BpeTrainer;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TrainedTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code halftone tokenizer}: makes tokenizers. */
@Command(
        name = "tokenizer",
        description = "Trains a tokenizer.",
        mixinStandardHelpOptions = true,
        subcommands = TokenizerCommand.Train.class)
final class TokenizerCommand implements Runnable {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    /** {@code halftone tokenizer train}. */
    @Command(name = "train", description = "Trains byte-level BPE on texts.", mixinStandardHelpOptions = true)
    static final class Train implements Callable<Integer> {
        @Spec
        private CommandSpec spec = CommandSpec.create();

        @Option(
                names = "--text",
                paramLabel = "FILE",
                arity = "1..*",
                required = true,
                description = "UTF-8 text files")
        private List<Path> text = List.of();

        @Option(
                names = "--vocabulary",
                paramLabel = "N",
                defaultValue = "4096",
                description = "tokens, special ones included (default: ${DEFAULT-VALUE})")
        private int vocabulary;

        @Option(names = "--out", paramLabel = "DIR", required = true, description = "directory for tokenizer.json")
        private Path out = Path.of("");

        @Override
        public Integer call() {
            BpeTrainer trainer = new BpeTrainer();
            for (Path file : text) {
                trainer.add(TextFiles.read(file));
            }
            BpeTrainer.Vocabulary learned = trainer.train(vocabulary);
            TrainedTokenizer.write(learned, out);
            spec.commandLine().getOut().println(out + ": " + learned.tokens().size() + " tokens");
            return 0;
        }
    }
}
