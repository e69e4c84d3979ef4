package dev.halftone.app;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.PieceExecutor;
import dev.halftone.recipe.QuantizationResult;
import dev.halftone.recipe.QuantizationResult.CacheReport;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.recipe.QuantizationResult.ExpertCoverage;
import dev.halftone.recipe.QuantizationResult.ReconstructionReport;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.recipe.SiteReport;
import dev.halftone.recipe.SiteReport.EventReport;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone quantize MODEL --recipe R --out DIR}. */
@Command(name = "quantize", description = "Quantizes a model by a recipe.", mixinStandardHelpOptions = true)
final class QuantizeCommand implements Callable<Integer> {
    /** The master that is this process. */
    private static final String HERE = "local";

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Mixin
    private ComputeOptions computing = new ComputeOptions();

    @Mixin
    private CalibrationArguments calibrating = new CalibrationArguments();

    @Parameters(paramLabel = "MODEL", description = ModelFile.NAMES)
    private String model = "";

    @Option(
            names = "--recipe",
            required = true,
            paramLabel = "R",
            description = "recipe file, or a built-in name such as rtn-w4g64 or gptq-w3g64")
    private String recipe = "";

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "directory to write; must not exist or be empty")
    private Path out = Path.of("");

    @Option(
            names = "--activations",
            paramLabel = "auto|memory|disk",
            converter = ActivationsConverter.class,
            description =
                    "where calibration activations wait between stages (default: auto, on disk from 4 GiB on); the result does"
                            + " not depend on it")
    private Spill.When activations = Spill.When.LARGE;

    @Option(
            names = "--resume",
            description = "go on from the last block that a stopped run has finished; a finished run is left as it is")
    private boolean resume;

    @Option(
            names = "--master",
            paramLabel = "NAME",
            description =
                    "what computes the pieces of a recipe whose blocks do not wait for one another (default: ${DEFAULT-VALUE}, this"
                            + " process): local[N] or spark://HOST:PORT, Apache Spark, with one thread each unless --threads is"
                            + " given; the bytes are the same")
    private String master = HERE;

    /** What {@code --json} prints. */
    record Document(
            int schema,
            String recipe,
            double bitsPerWeight,
            double bitsPerParameter,
            CalibrationSet.@Nullable Report calibration,
            @Nullable CacheReport cache,
            List<TransformReport> transforms,
            List<ReconstructionReport> reconstructions,
            @Nullable DistillationReport distillation,
            List<ExpertCoverage> experts,
            List<SiteReport> sites,
            List<EventReport> events,
            Map<String, Double> phases,
            double seconds,
            List<Double> blockSeconds,
            long peakMemoryBytes,
            Provenance provenance) {
        static Document of(QuantizationResult result) {
            Evidence evidence = result.evidence();
            return new Document(
                    evidence.schema(),
                    evidence.recipe(),
                    evidence.bitsPerWeight(),
                    evidence.bitsPerParameter(),
                    evidence.calibration(),
                    evidence.cache(),
                    evidence.transforms(),
                    evidence.reconstructions(),
                    evidence.distillation(),
                    evidence.experts(),
                    evidence.sites(),
                    evidence.events(),
                    result.phases(),
                    result.seconds(),
                    result.blockSeconds(),
                    result.peakMemoryBytes(),
                    evidence.provenance());
        }
    }

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        Optional<Evidence> finished = resume ? Quantizer.finished(out) : Optional.empty();
        if (finished.isPresent()) {
            return finished(finished.get());
        }
        if (resume && !master.equals(HERE)) {
            throw new InputException(
                    "HT-687",
                    "--master",
                    "computes all pieces anew; --resume goes on in this process",
                    "leave one out");
        }
        Compute compute = computing.chosen();
        Recipe chosen = Recipes.open(recipe);
        CalibrationOptions options = calibrating.over(chosen.calibration());
        CalibrationSource source = options.source();
        // Without one, the recipe is refused if it needs one.
        boolean calibrated = CalibrationArguments.given(options);
        PrintWriter err = spec.commandLine().getErr();
        if (!chosen.needsCalibration() && calibrated) {
            err.println("halftone: the recipe needs no calibration; "
                    + (source.files().isEmpty() ? source.name() : source.files()) + " is not read");
            calibrated = false;
        }
        QuantizationResult result;
        int blocks;
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            Quantizer.check(file, chosen, out);
            if (!master.equals(HERE)) {
                Quantizer.checkSpread(file, chosen);
            }
            CalibrationSet set = calibrated ? CalibrationSets.draw(options, file, workers) : null;
            if (set != null) {
                CalibrationArguments.tell(set, err);
            }
            Quantizer quantizer = new Quantizer(file, chosen, set, compute, out, activations, workers);
            List<Path> inputs = new ArrayList<>(file.checkpoint().files());
            if (calibrated) {
                inputs.addAll(source.files());
            }
            Provenance provenance = Provenance.of(inputs, settings(file, chosen, compute, calibrated));
            try (ProgressLine progress = new ProgressLine("quantizing")) {
                result = run(quantizer, provenance, threads, shown(progress));
            }
            blocks = file.spec().layers();
        }
        PrintWriter out = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(out, Document.of(result));
        } else {
            print(out, result, blocks);
        }
        return result.fellBack() ? Main.FELL_BACK : 0;
    }

    private QuantizationResult run(
            Quantizer quantizer, Provenance provenance, int threads, Quantizer.Progress progress) {
        if (master.equals(HERE)) {
            return quantizer.run(provenance, resume, progress);
        }
        int each = spec.commandLine().getParseResult().hasMatchedOption("--threads") ? threads : 1;
        return quantizer.run(provenance, PieceExecutor.named(master), each, progress);
    }

    /** A finished run has no times of this one. */
    private int finished(Evidence evidence) {
        spec.commandLine().getErr().println("halftone: " + out + " is finished");
        if (common.json) {
            QuantizationResult result =
                    new QuantizationResult(evidence, Map.of(), 0, List.of(), PeakMemory.bytes(), false);
            CommonOptions.print(spec.commandLine().getOut(), Document.of(result));
        }
        return 0;
    }

    private static Map<String, String> settings(ModelFile file, Recipe recipe, Compute compute, boolean calibrated) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("recipe", recipe.name());
        if (!file.transform().isEmpty()) {
            settings.put("model_transform", file.transform());
        }
        settings.put("recipe_sha256", Provenance.sha256(recipe.source()));
        if (calibrated) {
            ComputeOptions.describe(compute, settings);
        }
        return settings;
    }

    private static Quantizer.Progress shown(ProgressLine line) {
        return new Quantizer.Progress() {
            @Override
            public void begin(int found, int total) {
                line.begin(found);
            }

            @Override
            public void update(int done, int total) {
                line.update(done, total);
            }

            @Override
            public void distilled(int done, int total) {
                line.next("distilling");
                line.update(done, total);
            }
        };
    }

    private void print(PrintWriter writer, QuantizationResult result, int blocks) {
        Evidence evidence = result.evidence();
        writer.printf(
                "%s: %d weights, %.3f bits per weight (%.3f per parameter of the whole model)%n",
                out, evidence.sites().size(), evidence.bitsPerWeight(), evidence.bitsPerParameter());
        CacheReport cache = evidence.cache();
        if (cache != null) {
            writer.printf("keys, values: %s, %.3f bits per element%n", cache.format(), cache.bitsPerElement());
        }
        double ratio = 0;
        int compared = 0;
        for (SiteReport site : evidence.sites()) {
            if (site.proxyLoss() != null && site.rtnLoss() != null && site.rtnLoss() > 0) {
                ratio += Math.log(site.proxyLoss() / site.rtnLoss());
                compared++;
            }
        }
        if (compared > 0) {
            writer.printf("layer loss %.3f of round-to-nearest's (geometric mean)%n", Math.exp(ratio / compared));
        }
        List<ReconstructionReport> trained = evidence.reconstructions();
        if (!trained.isEmpty()) {
            double fell = trained.stream()
                    .mapToDouble(block -> block.before() == 0 ? 0 : Math.log(block.after() / block.before()))
                    .average()
                    .orElse(0);
            writer.printf(
                    "trained: %d blocks, output errors %.3f of the solvers' (geometric mean)%n",
                    trained.size(), Math.exp(fell));
        }
        DistillationReport distilled = evidence.distillation();
        if (distilled != null) {
            writer.printf(
                    "distilled: scales of %d weights in %d steps, KL %.4f to %.4f on %d calibration sequences that were held out%n",
                    distilled.weights(), distilled.steps(), distilled.before(), distilled.after(), distilled.heldOut());
        }
        evidence.transforms().stream()
                .filter(transform -> !transform.folded())
                .findFirst()
                .ifPresent(transform -> writer.printf(
                        "not folded: %d inputs, for example %s: %s%n",
                        evidence.transforms().stream()
                                .filter(each -> !each.folded())
                                .count(),
                        transform.site(),
                        transform.reason()));
        CoverageTable.print(writer, evidence.experts());
        Map<String, Long> kinds = evidence.events().stream()
                .collect(Collectors.groupingBy(EventReport::kind, TreeMap::new, Collectors.counting()));
        kinds.forEach((kind, count) -> writer.printf(
                "%s: %d weights, for example %s%n",
                kind,
                count,
                evidence.events().stream()
                        .filter(event -> event.kind().equals(kind))
                        .findFirst()
                        .map(event -> event.site() + ": " + event.message())
                        .orElse("")));
        writer.printf(
                "%.1f s (%s), peak memory %.2f GB%n",
                result.seconds(),
                result.phases().entrySet().stream()
                        .map(phase -> "%s %.1f".formatted(phase.getKey(), phase.getValue()))
                        .collect(Collectors.joining(", ")),
                result.peakMemoryBytes() / 1e9);
        int worked = result.blockSeconds().size();
        if (worked > 0) {
            writer.printf(
                    "%d of %d blocks, %.1f s each",
                    worked,
                    blocks,
                    result.blockSeconds().stream()
                                    .mapToDouble(Double::doubleValue)
                                    .sum()
                            / worked);
            writer.printf(
                    worked == blocks
                            ? "%n"
                            : "; all of them would take about " + ProgressLine.time(result.projectedSeconds(blocks))
                                    + "%n");
        }
        writer.flush();
    }
}
