package dev.halftone.reproduce;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.GramService;
import dev.halftone.calibration.TokenSample;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.format.ModelFile;
import dev.halftone.format.NumberFormat;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.reproduce.Experiment.Setting;
import dev.halftone.solver.AmvmCodes;
import dev.halftone.solver.Gptq;
import dev.halftone.solver.OutputErrors;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightProblem;
import dev.halftone.solver.WeightSolver;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Worst output errors of a model's first block at 3 bits per row, before and after AMVM: the first rows of the first weight
 * of its first and last stage.
 */
final class WorstErrors {
    private static final AmvmCodes.Options OPTIONS = new AmvmCodes.Options(4096, 1024, 4, true, 9101);
    /** Rows of a weight: the search takes its time for each. */
    private static final int ROWS = 64;

    private static final NumberFormat INT3 = new IntGroup(3, NumberFormat.ROW, false);

    private final Setting setting;

    WorstErrors(Setting setting) {
        this.setting = setting;
    }

    /**
     * A weight.
     *
     * @param worstBefore mean over the rows of the largest |error| over the sample's tokens; rms: of the root of the mean squared error
     */
    record Layer(
            String model,
            String weight,
            String start,
            double worstBefore,
            double worstAfter,
            double rmsBefore,
            double rmsAfter,
            double seconds) {}

    List<Layer> of(String model) {
        List<Layer> layers = new ArrayList<>();
        try (ModelFile file = ModelFile.open(model)) {
            CalibrationSet set = CalibrationSets.draw(setting.calibration(), file, setting.workers());
            Path spill = Path.of(System.getProperty("java.io.tmpdir"));
            try (Decoder decoder = file.decoder(Compute.FLOAT32);
                    Sequences running = new Sequences(decoder, set.sequences(), setting.workers(), spill);
                    DecoderBlock block = decoder.block(0)) {
                int last = block.stages().size() - 1;
                Activations input = running.begin(block);
                for (int stage = 0; input != null; stage++) {
                    if (stage == 0 || stage == last) {
                        LinearSite site = block.stages().get(stage).getFirst();
                        layers.addAll(layers(model, file, site, input));
                    }
                    input = running.advance(block, stage, input);
                }
            }
        }
        return layers;
    }

    private List<Layer> layers(String model, ModelFile file, LinearSite site, Activations input) {
        float[] w;
        try (Arena arena = Arena.ofConfined()) {
            w = Tensors.floats(site.load(file.weights(), ComputeType.FLOAT32, arena));
        }
        int rows = Math.min(ROWS, site.out());
        TokenSample sample = TokenSample.of(input);
        WeightProblem problem = new WeightProblem(
                site.weight(),
                Arrays.copyOf(w, rows * site.in()),
                rows,
                site.in(),
                GramService.of(input, setting.workers()).withSample(sample));
        OutputErrors errors = new OutputErrors(problem, sample, setting.workers());
        List<WeightSolver> starts =
                List.of(new Rtn(ClipSearch.MIN_MAX), new Gptq(new Gptq.Options(ClipSearch.MIN_MAX, true, true, 0.01)));
        List<Layer> layers = new ArrayList<>();
        for (WeightSolver start : starts) {
            float[] before =
                    start.find(problem, INT3, setting.workers()).packed().decode();
            long begin = System.nanoTime();
            float[] after = new AmvmCodes(start, OPTIONS)
                    .find(problem, INT3, setting.workers())
                    .packed()
                    .decode();
            layers.add(new Layer(
                    model,
                    site.weight(),
                    start.name(),
                    mean(errors.largest(before)),
                    mean(errors.largest(after)),
                    Arrays.stream(errors.rootMeanSquare(before)).average().orElse(0),
                    Arrays.stream(errors.rootMeanSquare(after)).average().orElse(0),
                    (System.nanoTime() - begin) / 1e9));
        }
        return layers;
    }

    private static double mean(float[] values) {
        return IntStream.range(0, values.length)
                .mapToDouble(i -> values[i])
                .average()
                .orElse(0);
    }
}
