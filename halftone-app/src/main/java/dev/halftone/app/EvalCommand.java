package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.Evaluation.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone eval MODEL --text FILE [--reference MODEL]}. */
@Command(name = "eval", description = "Measures a model on a text.", mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Parameters(
            paramLabel = "MODEL",
            description =
                    "Hugging Face directory, a directory that quantize wrote, .gguf file, or OWNER/NAME that was pulled")
    private Path model = Path.of("");

    @Option(names = "--text", required = true, paramLabel = "FILE", description = "text to score")
    private Path text = Path.of("");

    @Option(
            names = "--reference",
            paramLabel = "MODEL",
            description = "model to compare with: KL divergence and same top token")
    private @Nullable Path reference;

    @Option(
            names = "--windows",
            paramLabel = "RULE",
            description = "gptq (all tokens of a window, the default), llamacpp (second half), stride:N")
    private String windows = "gptq";

    @Option(names = "--length", paramLabel = "N", description = "tokens per window (default: ${DEFAULT-VALUE})")
    private int length = 512;

    @Option(names = "--chunks", paramLabel = "N", description = "windows to score (default: all)")
    private int chunks = -1;

    @Option(
            names = "--bos",
            paramLabel = "auto|yes|no",
            description = "put BOS in front: as the model does (auto, the default)")
    private String bos = "auto";

    @Option(names = "--dtype", paramLabel = "float32|bf16", description = "type to compute in (default: float32)")
    private String dtype = "float32";

    /** What {@code --json} prints. Figures of the comparison are null without a reference. */
    record Document(
            int schema,
            String model,
            double perplexity,
            double perplexityStderr,
            @Nullable String reference,
            @Nullable Double referencePerplexity,
            @Nullable Double referencePerplexityStderr,
            @Nullable Double logPerplexityRatio,
            @Nullable Double logPerplexityRatioStderr,
            @Nullable Double kl,
            @Nullable Double klStderr,
            @Nullable Double klMedian,
            @Nullable Double klP99,
            @Nullable Double klMax,
            @Nullable Double sameTop,
            @Nullable Double sameTopStderr,
            String windows,
            int length,
            int chunks,
            int scoredTokens,
            String bos,
            String dtype,
            double bitsPerWeight,
            double bitsPerParameter,
            double seconds,
            double tokensPerSecond,
            long peakMemoryBytes,
            Provenance provenance) {}

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        WindowRule rule = WindowRule.named(windows);
        ComputeType type = CommonOptions.computeType(dtype);
        if (length < 2 || chunks == 0 || chunks < -1) {
            throw new InputException(
                    "HT-605",
                    length < 2 ? "--length" : "--chunks",
                    "is " + (length < 2 ? length : chunks) + "; expected "
                            + (length < 2 ? "at least 2" : "at least 1, or -1 for all"),
                    "");
        }
        long start = System.nanoTime();
        try (ModelFile file = ModelFile.open(model);
                ModelFile other = reference == null ? null : ModelFile.open(reference);
                TextTokenizer tokenizer = file.tokenizer();
                Workers workers = new Workers(threads)) {
            checkVocabulary(file, other);
            int bosId = bosId(tokenizer);
            List<Window> cut = rule.cut(tokenizer.encode(TextFiles.read(text)), bosId, length, chunks, text.toString());
            Scores scores;
            try (ProgressLine progress = new ProgressLine("evaluating");
                    Decoder decoder = file.decoder(type);
                    Decoder referenceDecoder = other == null ? null : other.decoder(type)) {
                Path spill = Path.of(System.getProperty("java.io.tmpdir"));
                scores = Evaluation.run(decoder, referenceDecoder, cut, workers, spill, progress::update);
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            Document document = document(file, other, rule, cut, scores, bosId, seconds);
            PrintWriter out = spec.commandLine().getOut();
            if (common.json) {
                CommonOptions.print(out, document);
            } else {
                print(out, document);
            }
        }
        return 0;
    }

    private void checkVocabulary(ModelFile file, @Nullable ModelFile other) {
        if (other != null
                && other.spec().embedding().vocabulary()
                        != file.spec().embedding().vocabulary()) {
            throw new InputException(
                    "HT-604",
                    other.path().toString(),
                    "the reference has %d tokens, the model %d"
                            .formatted(
                                    other.spec().embedding().vocabulary(),
                                    file.spec().embedding().vocabulary()),
                    "compare models of one vocabulary");
        }
    }

    private int bosId(TextTokenizer tokenizer) {
        return switch (bos) {
            case "auto" -> tokenizer.addsBos() ? tokenizer.bosId() : -1;
            case "no" -> -1;
            case "yes" -> {
                if (tokenizer.bosId() < 0) {
                    throw new InputException("HT-607", "--bos", "yes, but the model has no BOS token", "use --bos no");
                }
                yield tokenizer.bosId();
            }
            default -> throw new InputException("HT-607", "--bos", "\"" + bos + "\"; known are auto, yes, no", "");
        };
    }

    private Document document(
            ModelFile file,
            @Nullable ModelFile other,
            WindowRule rule,
            List<Window> cut,
            Scores scores,
            int bosId,
            double seconds) {
        Estimate perplexity = scores.perplexity();
        boolean paired = other != null;
        Estimate none = new Estimate(Double.NaN, Double.NaN);
        Estimate referencePerplexity = paired ? scores.referencePerplexity() : none;
        Estimate ratio = paired ? scores.logRatio() : none;
        Estimate kl = paired ? scores.divergence() : none;
        Estimate same = paired ? scores.agreement() : none;
        List<Path> inputs = new ArrayList<>(file.checkpoint().files());
        inputs.add(text);
        long tokens = cut.stream().mapToLong(window -> window.tokens().length).sum();
        return new Document(
                SCHEMA,
                model.toString(),
                perplexity.value(),
                perplexity.error(),
                reference == null ? null : reference.toString(),
                known(referencePerplexity.value()),
                known(referencePerplexity.error()),
                known(ratio.value()),
                known(ratio.error()),
                known(kl.value()),
                known(kl.error()),
                paired ? scores.klQuantile(0.5) : null,
                paired ? scores.klQuantile(0.99) : null,
                paired ? scores.klQuantile(1) : null,
                known(same.value()),
                known(same.error()),
                rule.label(),
                length,
                cut.size(),
                scores.nll().length,
                bosId < 0 ? "none" : String.valueOf(bosId),
                dtype,
                file.bitsPerLinearWeight(),
                file.bitsPerParameter(),
                seconds,
                tokens * (paired ? 2 : 1) / seconds,
                PeakMemory.bytes(),
                Provenance.of(inputs, Map.of()));
    }

    private static @Nullable Double known(double value) {
        return Double.isNaN(value) ? null : value;
    }

    private static void print(PrintWriter out, Document d) {
        out.printf("perplexity      %.4f +/- %.4f%n", d.perplexity(), d.perplexityStderr());
        if (d.reference() != null) {
            out.printf("  of reference  %.4f +/- %.4f%n", d.referencePerplexity(), d.referencePerplexityStderr());
            out.printf("  ln ratio      %.5f +/- %.5f%n", d.logPerplexityRatio(), d.logPerplexityRatioStderr());
            out.printf("KL divergence   %.5f +/- %.5f%n", d.kl(), d.klStderr());
            out.printf("  median, 99 %%  %.5f, %.5f%n", d.klMedian(), d.klP99());
            if (d.sameTop() != null && d.sameTopStderr() != null) {
                out.printf("same top token  %.2f %% +/- %.2f %%%n", 100 * d.sameTop(), 100 * d.sameTopStderr());
            }
        }
        out.printf(
                "windows         %s, %d of %d tokens, %d tokens scored, BOS %s, %s%n",
                d.windows(), d.chunks(), d.length(), d.scoredTokens(), d.bos(), d.dtype());
        out.printf(
                "size            %.3f bits per weight, %.3f per parameter%n", d.bitsPerWeight(), d.bitsPerParameter());
        out.printf(
                "time            %.1f s, %.0f tokens/s, peak memory %.2f GB%n",
                d.seconds(), d.tokensPerSecond(), d.peakMemoryBytes() / 1e9);
        out.flush();
    }
}
