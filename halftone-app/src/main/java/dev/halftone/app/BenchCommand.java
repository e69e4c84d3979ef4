package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.provenance.Provenance;
import dev.halftone.runtime.PackedEngine;
import dev.halftone.runtime.SpeedTest;
import dev.halftone.tensor.PeakMemory;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code halftone bench MODEL -p 512 -n 128 -t 2}. */
@Command(
        name = "bench",
        description = "Measures the speed of the packed engine, as llama-bench does.",
        mixinStandardHelpOptions = true)
final class BenchCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;
    private static final int MOST = 1 << 20;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(paramLabel = "MODEL", description = "a directory that quantize wrote, " + ModelFile.NAMES)
    private String model = "";

    @Option(
            names = {"-p", "--prompt"},
            paramLabel = "N",
            split = ",",
            description =
                    "tokens of a prompt, several with commas between; 0 for no such test (default: ${DEFAULT-VALUE})")
    private int[] prompts = {512};

    @Option(
            names = {"-n", "--generate"},
            paramLabel = "N",
            split = ",",
            description = "tokens one by one, likewise (default: ${DEFAULT-VALUE})")
    private int[] generations = {128};

    @Option(
            names = {"-t", "--threads"},
            paramLabel = "N",
            description = "threads (default: all ${DEFAULT-VALUE} cores)")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = {"-r", "--repetitions"},
            paramLabel = "N",
            description = "repetitions of each test, after a warm-up (default: ${DEFAULT-VALUE})")
    private int repetitions = 5;

    @Option(
            names = "--warm-up",
            paramLabel = "SECONDS",
            description = "how long each test runs before it is measured (default: ${DEFAULT-VALUE})")
    private double warmUp = 3;

    @Option(names = "--json", description = "print one JSON document on standard output")
    private boolean json;

    /**
     * One line of the table.
     *
     * @param tokensPerSecondSd standard deviation of the repetitions
     * @param gigabytesPerSecond weights, keys and values that tokens one by one read; null for a prompt, whose tokens share them
     */
    record Test(
            String test,
            int promptTokens,
            int generatedTokens,
            double tokensPerSecond,
            double tokensPerSecondSd,
            @Nullable Double gigabytesPerSecond,
            double[] seconds) {}

    /** What {@code --json} prints. */
    record Document(
            int schema,
            String model,
            String family,
            String quantization,
            long bytes,
            long parameters,
            String engine,
            int threads,
            double openingSeconds,
            List<Test> tests,
            long peakMemoryBytes,
            Provenance provenance) {}

    @Override
    public Integer call() {
        check("--threads", threads, 1, 1024);
        check("--repetitions", repetitions, 1, 1000);
        for (int tokens : prompts) {
            check("--prompt", tokens, 0, MOST);
        }
        for (int tokens : generations) {
            check("--generate", tokens, 0, MOST);
        }
        long start = System.nanoTime();
        try (ModelFile file = ModelFile.open(model);
                PackedEngine engine = PackedEngine.open(file, threads)) {
            double opening = (System.nanoTime() - start) / 1e9;
            Document document = document(file, engine, opening, measure(engine));
            PrintWriter out = spec.commandLine().getOut();
            if (json) {
                CommonOptions.print(out, document);
            } else {
                print(out, document);
            }
        }
        return 0;
    }

    private static void check(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new InputException("HT-915", option, "is %d; expected %d to %d".formatted(value, least, most), "");
        }
    }

    private List<Test> measure(PackedEngine engine) {
        SpeedTest speed = new SpeedTest(engine, repetitions, warmUp);
        List<Test> tests = new ArrayList<>();
        try (ProgressLine progress = new ProgressLine("measuring")) {
            int total = prompts.length + generations.length;
            for (int tokens : prompts) {
                if (tokens > 0) {
                    tests.add(test(engine, speed.prompt(tokens)));
                }
                progress.update(tests.size(), total);
            }
            for (int tokens : generations) {
                if (tokens > 0) {
                    tests.add(test(engine, speed.generation(tokens)));
                }
                progress.update(tests.size(), total);
            }
        }
        return tests;
    }

    private static Test test(PackedEngine engine, SpeedTest.Result result) {
        // Token i of a sequence reads what the i before it and itself have left in the cache.
        double bytes = engine.weightBytesPerToken() + engine.cacheBytesPerToken() * (result.tokens() + 1) / 2.0;
        return new Test(
                result.name(),
                result.prompt() ? result.tokens() : 0,
                result.prompt() ? 0 : result.tokens(),
                result.mean(),
                result.deviation(),
                result.prompt() ? null : bytes * result.mean() / 1e9,
                result.seconds());
    }

    private Document document(ModelFile file, PackedEngine engine, double opening, List<Test> tests) {
        long bytes = Decoder.tensors(file.spec()).stream()
                .mapToLong(tensor -> file.weights().storedBytes(tensor.name()))
                .sum();
        return new Document(
                SCHEMA,
                model,
                file.spec().family(),
                file.quantization(),
                bytes,
                file.parameters(),
                engine.description(),
                threads,
                opening,
                tests,
                PeakMemory.bytes(),
                Provenance.of(List.of(), Map.of()));
    }

    private static void print(PrintWriter out, Document d) {
        String kind = d.family() + " " + d.quantization();
        int width = Math.max(5, kind.length());
        String row = "| %-" + width + "s | %10s | %10s | %7s | %8s | %18s | %7s |%n";
        out.printf(row, "model", "size", "params", "threads", "test", "t/s", "GB/s");
        out.println("| " + "-".repeat(width)
                + " | ---------: | ---------: | ------: | -------: | -----------------: | ------: |");
        for (Test test : d.tests()) {
            out.printf(
                    row,
                    kind,
                    "%.2f MiB".formatted(d.bytes() / (double) (1 << 20)),
                    "%.2f M".formatted(d.parameters() / 1e6),
                    d.threads(),
                    test.test(),
                    "%.2f ± %.2f".formatted(test.tokensPerSecond(), test.tokensPerSecondSd()),
                    test.gigabytesPerSecond() == null ? "" : "%.1f".formatted(test.gigabytesPerSecond()));
        }
        out.printf("%nengine: %s%n", d.engine());
        out.printf("opened in %.1f s; peak memory %.2f GB%n", d.openingSeconds(), d.peakMemoryBytes() / 1e9);
        out.flush();
    }
}
