package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.SentenceSimilarity;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone similarity MODEL --reference MODEL --text FILE}. */
@Command(
        name = "similarity",
        description = "Compares the sentence embeddings of two encoders.",
        mixinStandardHelpOptions = true)
final class SimilarityCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(paramLabel = "MODEL", description = ModelFile.NAMES)
    private String model = "";

    @Option(names = "--reference", paramLabel = "MODEL", required = true, description = "what it is compared with")
    private String reference = "";

    @Option(names = "--text", paramLabel = "FILE", required = true, description = "one sentence a line")
    private Path text = Path.of("");

    /** What is printed as JSON. */
    record Document(
            int schema,
            String model,
            String reference,
            int sentences,
            double cosine,
            double cosineStderr,
            double lowestCosine,
            double pairCorrelation,
            Map<String, String> provenance) {}

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        SentenceSimilarity found;
        try (ModelFile file = ModelFile.open(model);
                ModelFile other = ModelFile.open(reference);
                TextTokenizer tokenizer = file.tokenizer();
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Decoder referenceDecoder = other.decoder(Compute.FLOAT32);
                Workers workers = new Workers(threads)) {
            int longest = Math.min(file.spec().contextLength(), other.spec().contextLength());
            List<int[]> sentences = TextFiles.read(text)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .map(line -> SentenceSimilarity.encode(tokenizer, line, longest))
                    .filter(ids -> ids.length > 0)
                    .toList();
            if (sentences.isEmpty()) {
                throw new InputException("HT-713", text.toString(), "holds no sentence", "write one sentence a line");
            }
            found = SentenceSimilarity.of(decoder, referenceDecoder, sentences, workers);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(
                    out,
                    new Document(
                            SCHEMA,
                            model,
                            reference,
                            found.sentences(),
                            found.cosine(),
                            found.cosineStderr(),
                            found.lowest(),
                            found.pairCorrelation(),
                            Map.of("version", Provenance.halftoneVersion())));
        } else {
            out.printf(
                    "%d sentences: cosine %.5f +/- %.5f, lowest %.5f; correlation of the similarities of pairs %.5f%n",
                    found.sentences(), found.cosine(), found.cosineStderr(), found.lowest(), found.pairCorrelation());
            out.flush();
        }
        return 0;
    }
}
