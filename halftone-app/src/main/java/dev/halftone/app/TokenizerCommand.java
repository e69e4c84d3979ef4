package dev.halftone.app;

import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.text.BpeTrainer;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TrainedTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }

    /**
     * What {@code train --json} prints.
     *
     * @param vocabulary tokens there are: fewer than were asked for if the text has no more pairs
     * @param words different words of the texts
     */
    record Document(
            int schema,
            String directory,
            int vocabulary,
            int merges,
            int words,
            double seconds,
            long peakMemoryBytes,
            Provenance provenance) {}

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

        @Option(names = "--json", description = "print one JSON document on standard output")
        private boolean json;

        @Override
        public Integer call() {
            long start = System.nanoTime();
            BpeTrainer trainer = new BpeTrainer();
            for (Path file : text) {
                trainer.add(TextFiles.read(file));
            }
            BpeTrainer.Vocabulary learned = trainer.train(vocabulary);
            TrainedTokenizer.write(learned, out);
            if (json) {
                double seconds = (System.nanoTime() - start) / 1e9;
                CommonOptions.print(spec.commandLine().getOut(), document(learned, trainer.words(), seconds));
            } else {
                spec.commandLine()
                        .getOut()
                        .println(out + ": " + learned.tokens().size() + " tokens");
            }
            return 0;
        }

        private Document document(BpeTrainer.Vocabulary learned, int words, double seconds) {
            Map<String, String> settings = new TreeMap<>(CommonOptions.hashes("text", text));
            settings.put("vocabulary", String.valueOf(vocabulary));
            return new Document(
                    SCHEMA,
                    out.toString(),
                    learned.tokens().size(),
                    learned.merges().size(),
                    words,
                    seconds,
                    PeakMemory.bytes(),
                    Provenance.of(List.of(), settings));
        }
    }
}
