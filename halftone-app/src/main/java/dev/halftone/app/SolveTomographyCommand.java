package dev.halftone.app;

import dev.halftone.discrete.Amvm;
import dev.halftone.discrete.tomography.Phantom;
import dev.halftone.discrete.tomography.Reconstruction;
import dev.halftone.discrete.tomography.Reconstruction.Attempt;
import dev.halftone.discrete.tomography.Scan;
import dev.halftone.provenance.Provenance;
import dev.halftone.report.Page;
import dev.halftone.report.Pictures;
import dev.halftone.report.Pictures.Picture;
import dev.halftone.tensor.PeakMemory;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code halftone solve tomography}. */
@Command(
        name = "tomography",
        description = "Finds an image of few grey levels again from noisy sums along rays.",
        mixinStandardHelpOptions = true)
final class SolveTomographyCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private SolveCommand.Search search = new SolveCommand.Search();

    @Option(names = "--phantom", paramLabel = "NAME", description = "disks, bars or layers (default: ${DEFAULT-VALUE})")
    private Phantom phantom = Phantom.DISKS;

    @Option(names = "--size", paramLabel = "N", description = "pixels on a side (default: ${DEFAULT-VALUE})")
    private int size = 24;

    @Option(names = "--angles", paramLabel = "N", description = "over half a turn (default: ${DEFAULT-VALUE})")
    private int angles = 24;

    @Option(names = "--detectors", paramLabel = "N", description = "rays of an angle (default: as --size)")
    private int detectors;

    @Option(
            names = "--noise",
            paramLabel = "X",
            description = "every ray sum is off by at most X; white is 255 a pixel (default: ${DEFAULT-VALUE})")
    private double noise = 380;

    @Option(names = "--noise-seed", paramLabel = "N", description = "of the noise (default: ${DEFAULT-VALUE})")
    private long noiseSeed = 1;

    @Option(
            names = "--target",
            paramLabel = "X",
            description = "largest residual that is good enough: below the noise an image is fitted to it (default: as"
                    + " --noise)")
    private @Nullable Double target;

    /**
     * What {@code --json} prints.
     *
     * @param rays sums that the image is found from
     * @param truthResidual largest difference of the phantom's own ray sums: what the noise came to
     */
    record Document(
            int schema,
            String phantom,
            int size,
            int angles,
            int detectors,
            double noise,
            int rays,
            double truthResidual,
            List<Entry> attempts,
            double seconds,
            long peakMemoryBytes,
            Provenance provenance) {}

    /** An attempt without its image. */
    record Entry(
            String method, double meanAbsoluteError, int wrongPixels, double ssim, double maxResidual, double seconds) {
        static Entry of(Attempt attempt) {
            return new Entry(
                    attempt.method(),
                    attempt.meanAbsoluteError(),
                    attempt.wrong(),
                    attempt.similarity(),
                    attempt.residual(),
                    attempt.seconds());
        }
    }

    @Override
    public Integer call() {
        long begin = System.nanoTime();
        search.checkPage();
        int rays = detectors == 0 ? size : detectors;
        Scan scan = Scan.of(phantom, size, angles, rays, noise, noiseSeed);
        Amvm.Options options = search.options().withTarget(target == null ? noise : target);
        Reconstruction reconstruction = Reconstruction.of(scan, options);
        search.write(page(reconstruction));
        Document document = document(reconstruction, rays, options, (System.nanoTime() - begin) / 1e9);
        PrintWriter out = spec.commandLine().getOut();
        if (search.json) {
            CommonOptions.print(out, document);
        } else {
            print(out, document);
        }
        return 0;
    }

    private Document document(Reconstruction found, int rays, Amvm.Options options, double seconds) {
        Map<String, String> settings = new TreeMap<>();
        settings.put("iterations", String.valueOf(options.iterations()));
        settings.put("seed", String.valueOf(options.seed()));
        settings.put("noise_seed", String.valueOf(noiseSeed));
        settings.put("destroyed", String.valueOf(options.destroyed()));
        settings.put("target", String.valueOf(options.target()));
        settings.put("seconds", String.valueOf(options.seconds()));
        Scan scan = found.scan();
        return new Document(
                SCHEMA,
                phantom.name().toLowerCase(Locale.ROOT),
                size,
                angles,
                rays,
                noise,
                scan.b().length,
                scan.residual(scan.truth()),
                found.attempts().stream().map(Entry::of).toList(),
                seconds,
                PeakMemory.bytes(),
                Provenance.of(List.of(), settings));
    }

    private static void print(PrintWriter out, Document document) {
        out.printf(
                Locale.ROOT,
                "%s, %d x %d pixels from %d rays at %d angles, noise up to %.1f (it came to %.1f)%n%n",
                document.phantom(),
                document.size(),
                document.size(),
                document.rays(),
                document.angles(),
                document.noise(),
                document.truthResidual());
        out.println("method            MAE    wrong    SSIM   max residual   seconds");
        for (Entry entry : document.attempts()) {
            out.printf(
                    Locale.ROOT,
                    "%-14s %7.3f %8d  %6.4f %14.1f  %8.2f%n",
                    entry.method(),
                    entry.meanAbsoluteError(),
                    entry.wrongPixels(),
                    entry.ssim(),
                    entry.maxResidual(),
                    entry.seconds());
        }
        out.flush();
    }

    private static String page(Reconstruction found) {
        Scan scan = found.scan();
        Page page = new Page("Tomography: %d x %d pixels from %d rays"
                .formatted(scan.truth().size(), scan.truth().size(), scan.b().length));
        List<Picture> pictures = new ArrayList<>();
        pictures.add(new Picture("phantom", scan.truth().rows()));
        for (Attempt attempt : found.attempts()) {
            pictures.add(new Picture(
                    String.format(Locale.ROOT, "%s, MAE %.2f", attempt.method(), attempt.meanAbsoluteError()),
                    attempt.image().rows()));
        }
        page.add(new Pictures("The phantom beside what was found", pictures));
        page.heading("Measured")
                .table(
                        List.of("method", "MAE", "wrong pixels", "SSIM", "max |A x - b|", "seconds"),
                        found.attempts().stream()
                                .map(Entry::of)
                                .map(SolveTomographyCommand::row)
                                .toList());
        return page.html();
    }

    private static List<String> row(Entry entry) {
        return List.of(
                entry.method(),
                String.format(Locale.ROOT, "%.3f", entry.meanAbsoluteError()),
                String.valueOf(entry.wrongPixels()),
                String.format(Locale.ROOT, "%.4f", entry.ssim()),
                String.format(Locale.ROOT, "%.1f", entry.maxResidual()),
                String.format(Locale.ROOT, "%.2f", entry.seconds()));
    }
}
