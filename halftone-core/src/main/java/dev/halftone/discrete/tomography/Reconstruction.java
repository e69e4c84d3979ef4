package dev.halftone.discrete.tomography;

import dev.halftone.discrete.Amvm;
import dev.halftone.discrete.MinMaxProblem;
import java.util.ArrayList;
import java.util.List;

/**
 * A scan reconstructed in several ways, each compared with the truth. All but SIRT and SART as they are have the phantom's levels.
 */
public record Reconstruction(Scan scan, List<Attempt> attempts) {
    private static final int SIRT = 300;
    private static final int SART = 1000;

    /**
     * What one way gave.
     *
     * @param method "sirt", "sart", both also "-segmented"; "dart", "amvm"
     * @param meanAbsoluteError per pixel, white is 255
     * @param wrong pixels that differ from the truth
     * @param similarity SSIM
     * @param residual largest |A x - b|; that of the truth is the noise
     */
    public record Attempt(
            String method,
            Image image,
            double meanAbsoluteError,
            int wrong,
            double similarity,
            double residual,
            double seconds) {}

    /** Reconstructs; AMVM starts from segmented SIRT, in whose time its own is counted in. */
    public static Reconstruction of(Scan scan, Amvm.Options options) {
        int n = scan.a().columns();
        List<Attempt> attempts = new ArrayList<>();
        long begin = System.nanoTime();
        double[] x = new double[n];
        Sirt.of(scan).simultaneous(x, SIRT);
        Image sirt = new Image(scan.truth().size(), x);
        double sirtSeconds = since(begin);
        attempts.add(attempt(scan, "sirt", sirt, sirtSeconds));
        Image start = scan.segmented(sirt);
        attempts.add(attempt(scan, "sirt-segmented", start, sirtSeconds));

        begin = System.nanoTime();
        double[] y = new double[n];
        Sirt.of(scan).sequential(y, SART);
        Image sart = new Image(scan.truth().size(), y);
        double sartSeconds = since(begin);
        attempts.add(attempt(scan, "sart", sart, sartSeconds));
        attempts.add(attempt(scan, "sart-segmented", scan.segmented(sart), sartSeconds));

        begin = System.nanoTime();
        Image dart = Dart.reconstruct(scan, options.seed());
        attempts.add(attempt(scan, "dart", dart, since(begin)));

        begin = System.nanoTime();
        MinMaxProblem problem = scan.problem();
        Amvm.Result result = new Amvm(options).solve(problem, problem.nearest(start.pixels()));
        Image amvm = new Image(scan.truth().size(), problem.values(result.codes()));
        attempts.add(attempt(scan, "amvm", amvm, sirtSeconds + since(begin)));
        return new Reconstruction(scan, List.copyOf(attempts));
    }

    private static Attempt attempt(Scan scan, String method, Image image, double seconds) {
        Image truth = scan.truth();
        return new Attempt(
                method,
                image,
                image.meanAbsoluteError(truth),
                image.different(truth),
                Similarity.of(image, truth),
                scan.residual(image),
                seconds);
    }

    private static double since(long begin) {
        return (System.nanoTime() - begin) / 1e9;
    }

    /** What one of the ways gave. */
    public Attempt attempt(String method) {
        return attempts.stream()
                .filter(attempt -> attempt.method().equals(method))
                .findFirst()
                .orElseThrow();
    }
}
