package dev.halftone.app;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelHealth;
import dev.halftone.model.Decoder;
import dev.halftone.model.LinearSite;
import dev.halftone.provenance.Provenance;
import dev.halftone.statistics.ModelStatistics;
import dev.halftone.statistics.StatisticsFile;
import dev.halftone.statistics.StatisticsService;
import dev.halftone.statistics.WeightMetrics;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone outliers MODEL --calibration FILE}. */
@Command(
        name = "outliers",
        description = "Shows the outliers of a model's activations and weights.",
        mixinStandardHelpOptions = true)
final class OutliersCommand implements Callable<Integer> {
    private static final int SAMPLES = 32;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Mixin
    private ComputeOptions computing = new ComputeOptions();

    @Mixin
    private CalibrationArguments calibrating = new CalibrationArguments();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    @Option(names = "--html", paramLabel = "FILE", description = "write a page with maps and histograms")
    private @Nullable Path html;

    @Option(names = "--save", paramLabel = "FILE", description = "write the statistics, for --merge")
    private @Nullable Path save;

    @Option(
            names = "--merge",
            paramLabel = "FILE",
            description =
                    "add statistics of this model that --save wrote; may be repeated; without --calibration, show these alone")
    private List<Path> merge = new ArrayList<>();

    @Override
    public Integer call() {
        long start = System.nanoTime();
        int threads = common.checkedThreads();
        Compute compute = computing.chosen();
        CalibrationOptions absent = CalibrationOptions.DEFAULT;
        CalibrationOptions options =
                calibrating.over(new CalibrationOptions(absent.source(), SAMPLES, absent.length(), absent.seed()));
        boolean calibrated = CalibrationArguments.given(options);
        if (!calibrated && merge.isEmpty()) {
            throw new InputException(
                    "HT-644",
                    "outliers",
                    "no calibration sequences",
                    "add --calibration FILE, --calibration-source NAME for sources without one, or --merge FILE");
        }
        checkParent(html);
        checkParent(save);
        OutlierDocument document;
        ModelStatistics statistics;
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads)) {
            ModelHealth.check(file.checkpoint());
            Provenance provenance = provenance(file, options, calibrated, compute);
            String hash = Provenance.sha256(modelHashes(file) + file.transform());
            CalibrationSet set = calibrated ? CalibrationSets.draw(options, file, workers) : null;
            if (set != null) {
                CalibrationArguments.tell(set, spec.commandLine().getErr());
            }
            statistics = merged(set == null ? null : run(file, set, hash, compute, workers), hash);
            document = document(file, set, statistics, weights(file, workers), provenance, start);
        }
        if (save != null) {
            StatisticsFile.write(save, statistics);
        }
        if (html != null) {
            writePage(html, document, statistics);
        }
        if (common.json) {
            CommonOptions.print(spec.commandLine().getOut(), document);
        } else {
            OutlierTable.print(spec.commandLine().getOut(), document);
        }
        return 0;
    }

    /** A run of minutes must not end with a folder that is not there. */
    private static void checkParent(@Nullable Path file) {
        Path parent = file == null ? null : file.toAbsolutePath().getParent();
        if (parent != null && !Files.isDirectory(parent)) {
            throw new ResourceException(
                    "HT-643", String.valueOf(file), "no directory " + parent, "check the path and the disk");
        }
    }

    private static void writePage(Path file, OutlierDocument document, ModelStatistics statistics) {
        try {
            Files.writeString(file, OutlierPage.html(document, statistics));
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-643", file.toString(), "cannot be written: " + e, "check the path and the disk");
        }
    }

    private static Map<String, String> modelHashes(ModelFile file) {
        return CommonOptions.hashes("model", file.checkpoint().files());
    }

    private Provenance provenance(ModelFile file, CalibrationOptions options, boolean calibrated, Compute compute) {
        List<Path> inputs = new ArrayList<>(file.checkpoint().files());
        Map<String, String> settings = new TreeMap<>();
        if (calibrated) {
            inputs.addAll(options.source().files());
            ComputeOptions.describe(compute, settings);
        }
        inputs.addAll(merge);
        return Provenance.of(inputs, settings);
    }

    private ModelStatistics run(ModelFile file, CalibrationSet set, String hash, Compute compute, Workers workers) {
        StatisticsService.Options absent = StatisticsService.Options.DEFAULT;
        StatisticsService.Options options = new StatisticsService.Options(
                absent.limits(), absent.sinkSequences(), set.report().seed());
        try (Decoder decoder = file.decoder(compute);
                ProgressLine progress = new ProgressLine("observing")) {
            Path spill = Path.of(System.getProperty("java.io.tmpdir"));
            return new StatisticsService(decoder, options, workers)
                    .of(set.sequences(), hash, set.report().sha256(), spill, progress::update);
        }
    }

    private ModelStatistics merged(@Nullable ModelStatistics own, String hash) {
        ModelStatistics sum = own;
        for (Path file : merge) {
            ModelStatistics read = StatisticsFile.read(file);
            if (!read.source().model().equals(hash)) {
                throw new InputException(
                        "HT-641",
                        file.toString(),
                        "statistics of another model than " + model,
                        "merge statistics of one model");
            }
            sum = sum == null ? read : sum.merged(read, file.toString());
        }
        if (sum == null) {
            throw new IllegalStateException("neither calibration nor files");
        }
        return sum;
    }

    private static List<WeightMetrics> weights(ModelFile file, Workers workers) {
        List<LinearSite> linears = Decoder.linears(file.spec());
        WeightMetrics[] metrics = new WeightMetrics[linears.size()];
        workers.forEach(linears.size(), i -> {
            LinearSite site = linears.get(i);
            try (Arena arena = Arena.ofConfined()) {
                float[] w = Tensors.floats(site.load(file.weights(), ComputeType.FLOAT32, arena));
                metrics[i] = WeightMetrics.of(site.weight(), w, site.out(), site.in());
            }
        });
        return List.of(metrics);
    }

    private OutlierDocument document(
            ModelFile file,
            @Nullable CalibrationSet set,
            ModelStatistics statistics,
            List<WeightMetrics> weights,
            Provenance provenance,
            long start) {
        List<OutlierDocument.SiteEntry> sites = OutlierDocument.sites(statistics);
        List<OutlierDocument.MassiveEntry> massive;
        try (TextTokenizer tokenizer = file.tokenizer()) {
            massive =
                    OutlierDocument.massive(statistics, token -> token < 0 ? "" : tokenizer.decode(new int[] {token}));
        }
        OutlierDocument.Features features = OutlierDocument.Features.of(statistics.outlierChannels());
        List<OutlierDocument.SinkEntry> sinks =
                statistics.blocks().stream().map(OutlierDocument.SinkEntry::of).toList();
        return new OutlierDocument(
                OutlierDocument.SCHEMA,
                model,
                set == null ? null : set.report(),
                statistics.source().sets(),
                statistics.source().sequences(),
                statistics.source().tokens(),
                OutlierTable.verdicts(sites, massive, features, sinks, weights),
                sites,
                massive,
                features,
                sinks,
                weights,
                (System.nanoTime() - start) / 1e9,
                PeakMemory.bytes(),
                provenance);
    }
}
