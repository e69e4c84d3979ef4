package dev.halftone.app;

import dev.halftone.app.EvalDocument.Took;
import dev.halftone.error.InputException;
import dev.halftone.evaluate.ChoiceEncoder;
import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Evaluation;
import dev.halftone.evaluate.EvaluationTask;
import dev.halftone.evaluate.GenerationTasks;
import dev.halftone.evaluate.LogitFile;
import dev.halftone.evaluate.LogitFileWriter;
import dev.halftone.evaluate.LogitSource;
import dev.halftone.evaluate.ModelLogits;
import dev.halftone.evaluate.Scores;
import dev.halftone.evaluate.WindowRule;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.runtime.EngineLogits;
import dev.halftone.runtime.PackedEngine;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone eval MODEL [--text FILE] [--tasks KIND:FILE] [--reference MODEL]}. */
@Command(name = "eval", description = "Measures a model on a text or on tasks.", mixinStandardHelpOptions = true)
final class EvalCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Mixin
    private ComputeOptions computing = new ComputeOptions();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    @Option(names = "--text", paramLabel = "FILE", description = "text to score")
    private @Nullable Path text;

    @Option(
            names = "--tasks",
            paramLabel = "KIND:FILE|KIND(key=number,...)",
            description =
                    "tasks, several with commas between: by log-likelihood custom, piqa, hellaswag, arc, winogrande, boolq,"
                            + " openbookqa, sciq, lambada, minimal_pairs, next_sentence, lines_choice, ethics_*, truthfulqa_mc1,"
                            + " mmlu, advglue_*; by generating generate, gsm8k, lines, needle, lost_in_the_middle, dialogue;"
                            + " lines(lines=20,items=50), lines_choice(..), needle(..) are made on the spot")
    private @Nullable String tasks;

    @Option(
            names = "--items",
            paramLabel = "FILE",
            description = "write the log-likelihoods or answers of every item of the tasks, as JSON lines")
    private @Nullable Path itemsFile;

    @Option(
            names = "--reference",
            paramLabel = "MODEL",
            description = "model to compare with, or a file of --save-logits: KL divergence and same top token")
    private @Nullable String reference;

    @Option(
            names = "--against",
            paramLabel = "MODEL",
            description = "second model on the same text: paired differences of perplexity and KL divergence")
    private @Nullable String against;

    @Option(
            names = "--save-logits",
            paramLabel = "FILE",
            description = "keep what MODEL predicts, for --reference (16 bits each, llama.cpp's format)")
    private @Nullable Path savedLogits;

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
            names = "--engine",
            paramLabel = "float|packed",
            description =
                    "what computes MODEL: libtorch on decoded weights (float, the default), or the kernels that generate and serve use"
                            + " (packed; a --reference stays float)")
    private String engine = "float";

    @Option(
            names = "--bos",
            paramLabel = "auto|yes|no",
            description = "put BOS in front: as the model does (auto, the default)")
    private String bos = "auto";

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        WindowRule rule = WindowRule.named(windows);
        Compute compute = computing.chosen();
        checkOptions();
        Torch.loadAhead();
        List<EvaluationTask> read = tasks == null ? List.of() : EvaluationTask.read(tasks);
        checkTasks(read);
        long start = System.nanoTime();
        try (LogitFile stored = storedLogits();
                ModelFile file = ModelFile.open(model);
                ModelFile other = reference == null || stored != null ? null : ModelFile.open(reference);
                ModelFile second = against == null ? null : ModelFile.open(against);
                TextTokenizer tokenizer = file.tokenizer();
                Workers workers = new Workers(threads)) {
            checkVocabulary(file, other, second, stored);
            int bosId = bosId(tokenizer);
            List<Window> cut = text == null
                    ? List.of()
                    : rule.cut(
                            tokenizer.encode(TextFiles.read(text)),
                            bosId,
                            length,
                            chunks < 0 && stored != null ? stored.windows() : chunks,
                            text.toString());
            int context = Math.min(
                    file.spec().contextLength(),
                    (other == null ? file : other).spec().contextLength());
            Measured measured;
            double opening;
            try (Decoder decoder = packed() ? null : file.decoder(compute);
                    PackedEngine packed = packed() ? PackedEngine.open(file, threads) : null;
                    Decoder referenceDecoder = other == null ? null : other.decoder(compute);
                    Decoder secondDecoder = second == null ? null : second.decoder(compute)) {
                ChoiceEncoder encoder = ChoiceEncoder.of(tokenizer, bosId, context);
                Models models = new Models(decoder, packed, referenceDecoder, secondDecoder, stored);
                opening = (System.nanoTime() - start) / 1e9;
                measured = measure(models, cut, encoder, read, workers);
            }
            double seconds = (System.nanoTime() - start) / 1e9;
            int passes = 1 + (other == null ? 0 : 1) + (second == null ? 0 : 1);
            print(EvalDocument.of(
                    run(
                            file,
                            read,
                            measured.computed(),
                            compute,
                            bosId,
                            new Took(seconds, opening, measured.tokens() * passes)),
                    measured.text(),
                    measured.tasks()));
        }
        return 0;
    }

    private boolean packed() {
        return engine.equals("packed");
    }

    private void checkOptions() {
        if (!packed() && !engine.equals("float")) {
            throw new InputException("HT-916", "--engine", "\"" + engine + "\"; known are float, packed", "");
        }
        if (packed() && tasks != null) {
            throw new ParameterException(spec.commandLine(), "--tasks need --engine float");
        }
        if (length < 2 || chunks == 0 || chunks < -1) {
            throw new InputException(
                    "HT-605",
                    length < 2 ? "--length" : "--chunks",
                    "is " + (length < 2 ? length : chunks) + "; expected "
                            + (length < 2 ? "at least 2" : "at least 1, or -1 for all"),
                    "");
        }
        if (tasks == null && (text == null || itemsFile != null)) {
            String missing = itemsFile == null ? "one of --text and --tasks is missing" : "--items needs --tasks";
            throw new ParameterException(spec.commandLine(), missing);
        }
        if (text == null && (against != null || savedLogits != null)) {
            String option = against == null ? "--save-logits" : "--against";
            throw new ParameterException(spec.commandLine(), option + " needs --text");
        }
        if (tasks != null && reference != null && isLogitFile(reference)) {
            throw new ParameterException(
                    spec.commandLine(), "--tasks need a model as --reference, not a file of logits");
        }
    }

    private void checkTasks(List<EvaluationTask> read) {
        for (EvaluationTask task : read) {
            if (task instanceof GenerationTasks.Task written
                    && written.open()
                    && reference == null
                    && itemsFile == null) {
                throw new ParameterException(
                        spec.commandLine(),
                        task.kind()
                                + " has no right answers: name a --reference to compare with, or --items to write them");
            }
        }
    }

    private @Nullable LogitFile storedLogits() {
        return reference != null && isLogitFile(reference) ? LogitFile.open(Path.of(reference)) : null;
    }

    private static boolean isLogitFile(String name) {
        try {
            return LogitFile.is(Path.of(name));
        } catch (InvalidPathException _) {
            return false;
        }
    }

    private record Models(
            @Nullable Decoder model,
            @Nullable PackedEngine packed,
            @Nullable Decoder reference,
            @Nullable Decoder against,
            @Nullable LogitFile stored) {}

    /**
     * @param tokens of windows and items together
     * @param computed the type, or the engine
     */
    private record Measured(
            EvalDocument.@Nullable Text text,
            List<TaskDocument> tasks,
            long tokens,
            @Nullable String computed) {}

    private Measured measure(
            Models models, List<Window> cut, ChoiceEncoder encoder, List<EvaluationTask> read, Workers workers) {
        Path spill = Path.of(System.getProperty("java.io.tmpdir"));
        long tokens = cut.stream().mapToLong(window -> window.tokens().length).sum();
        EvalDocument.Text figures = null;
        List<TaskDocument> documents = new ArrayList<>();
        try (ProgressLine progress = new ProgressLine("evaluating");
                TaskLog log = itemsFile == null ? null : new TaskLog(itemsFile)) {
            if (!cut.isEmpty()) {
                figures = measureText(models, cut, workers, spill, progress::update);
            }
            if (models.model() != null) {
                TaskRun run = new TaskRun(models.model(), models.reference(), encoder, workers, spill, log);
                for (EvaluationTask task : read) {
                    documents.add(run.measure(task, progress::update));
                }
                tokens += run.tokens();
            }
        }
        PackedEngine packed = models.packed();
        return new Measured(figures, documents, tokens, packed == null ? null : packed.description());
    }

    private EvalDocument.Text measureText(
            Models models, List<Window> cut, Workers workers, Path spill, Evaluation.Progress progress) {
        try (LogitSource own = own(models, spill);
                ModelLogits second = models.against() == null ? null : new ModelLogits(models.against(), spill);
                ModelLogits other = models.reference() == null ? null : new ModelLogits(models.reference(), spill);
                LogitFileWriter writer =
                        savedLogits == null ? null : new LogitFileWriter(savedLogits, cut, own.vocabulary())) {
            List<Scores> all = Evaluation.run(
                    second == null ? List.of(own) : List.of(own, second),
                    models.stored() == null ? other : models.stored(),
                    cut,
                    workers,
                    progress,
                    writer == null ? (_, _, _, _) -> {} : writer);
            return new EvalDocument.Text(
                    all.getFirst(),
                    models.stored() == null ? null : referenceFile(models.stored(), workers),
                    second == null
                            ? null
                            : EvalDocument.Against.of(String.valueOf(against), all.getFirst(), all.get(1)),
                    writer == null ? null : saved(writer),
                    windows,
                    length,
                    cut.size());
        }
    }

    private static LogitSource own(Models models, Path spill) {
        PackedEngine packed = models.packed();
        return packed == null
                ? new ModelLogits(Objects.requireNonNull(models.model()), spill)
                : new EngineLogits(packed);
    }

    private static EvalDocument.ReferenceFile referenceFile(LogitFile stored, Workers workers) {
        LogitFile.Coarseness coarseness = stored.coarseness(workers);
        return new EvalDocument.ReferenceFile(coarseness.step(), coarseness.mass());
    }

    private EvalDocument.SavedLogits saved(LogitFileWriter writer) {
        Estimate error = writer.finish();
        return new EvalDocument.SavedLogits(String.valueOf(savedLogits), writer.bytes(), error.value(), error.error());
    }

    private void print(EvalDocument document) {
        PrintWriter out = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(out, document);
        } else {
            document.print(out);
        }
    }

    private void checkVocabulary(
            ModelFile file, @Nullable ModelFile other, @Nullable ModelFile second, @Nullable LogitFile stored) {
        int own = file.spec().embedding().vocabulary();
        for (ModelFile model : new ModelFile[] {other, second}) {
            if (model != null) {
                checkVocabulary(
                        model.path().toString(), model.spec().embedding().vocabulary(), own);
            }
        }
        if (stored != null) {
            checkVocabulary(String.valueOf(reference), stored.vocabulary(), own);
        }
    }

    private static void checkVocabulary(String place, int vocabulary, int own) {
        if (vocabulary != own) {
            throw new InputException(
                    "HT-604",
                    place,
                    "has %d tokens, the model %d".formatted(vocabulary, own),
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

    private EvalDocument.Run run(
            ModelFile file, List<EvaluationTask> read, @Nullable String packed, Compute compute, int bosId, Took took) {
        List<Path> inputs = new ArrayList<>(file.checkpoint().files());
        if (text != null) {
            inputs.add(text);
        }
        // Not among the inputs, which are named by file alone: several data sets call theirs dev.jsonl.
        Map<String, String> settings = new TreeMap<>();
        for (EvaluationTask task : read) {
            for (Path path : task.files()) {
                settings.put("task " + task.kind() + ":" + path.getFileName(), Provenance.sha256(path));
            }
        }
        return new EvalDocument.Run(
                model,
                reference,
                bosId < 0 ? "none" : String.valueOf(bosId),
                packed == null ? compute.type().label() : packed,
                compute.device().toString(),
                file.bitsPerLinearWeight(),
                file.bitsPerParameter(),
                file.cache().formats().isEmpty() ? null : file.cache().label(),
                file.cache().formats().isEmpty() ? null : file.cache().bitsPerElement(file.spec()),
                took,
                PeakMemory.bytes(),
                Provenance.of(inputs, settings));
    }
}
