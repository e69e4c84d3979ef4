package dev.halftone.reproduce;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Sequences;
import dev.halftone.reproduce.Experiment.Setting;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/**
 * QSNR of every tensor of a model that a product reads along blocks: the weights along their inputs and along their outputs, and
 * what every site shows along its channels. The NV formats' FP32 number is that of a weight, or of a sequence at a site.
 */
final class SiteQsnr {
    private static final int BLOCK = 32;

    private final Setting setting;
    private final long seed;

    SiteQsnr(Setting setting, long seed) {
        this.setting = setting;
        this.seed = seed;
    }

    /** By the name of the tensor: sites as observers call them, weights, and weights with "^T" behind. */
    Map<String, Qsnr> of(String model) {
        Path spill = Path.of(System.getProperty("java.io.tmpdir"));
        Map<String, Qsnr> all = new LinkedHashMap<>();
        try (ModelFile file = ModelFile.open(model)) {
            CalibrationSet set = CalibrationSets.draw(setting.calibration(), file, setting.workers());
            weights(file, all);
            try (Decoder decoder = file.decoder(Compute.FLOAT32);
                    Sequences running = new Sequences(decoder, set.sequences(), setting.workers(), spill)) {
                for (int b = 0; b < file.spec().layers(); b++) {
                    try (DecoderBlock block = decoder.block(b)) {
                        block(running, block, set.sequences().size(), all);
                    }
                }
            }
        }
        all.values().removeIf(found -> !found.any());
        return all;
    }

    private void weights(ModelFile file, Map<String, Qsnr> all) {
        List<LinearSite> sites = Decoder.linears(file.spec());
        List<Qsnr[]> found = new ArrayList<>();
        sites.forEach(_ -> found.add(new Qsnr[] {new Qsnr(), new Qsnr()}));
        setting.workers().forEach(sites.size(), i -> {
            LinearSite site = sites.get(i);
            float[] w;
            try (Arena arena = Arena.ofConfined()) {
                w = Tensors.floats(file.weights().load(site.weight(), ComputeType.FLOAT32, arena));
            }
            // A Conv1D weight lies the other way round: rows along the inputs come first either way.
            boolean stored = file.weights().shape(site.weight())[1] == site.in();
            int in = stored ? site.in() : site.out();
            int out = w.length / in;
            add(found.get(i)[stored ? 0 : 1], w, in);
            add(found.get(i)[stored ? 1 : 0], transposed(w, out, in), out);
        });
        for (int i = 0; i < sites.size(); i++) {
            all.put(sites.get(i).weight(), found.get(i)[0]);
            all.put(sites.get(i).weight() + "^T", found.get(i)[1]);
        }
    }

    private void add(Qsnr sum, float[] x, int width) {
        if (width % BLOCK == 0) {
            sum.add(x, width, seed);
        }
    }

    private static float[] transposed(float[] w, int rows, int columns) {
        float[] turned = new float[w.length];
        for (int i = 0; i < rows; i++) {
            for (int j = 0; j < columns; j++) {
                turned[j * rows + i] = w[i * columns + j];
            }
        }
        return turned;
    }

    /** Every sequence has sums of its own, which are added in the order of the sequences. */
    private void block(Sequences running, DecoderBlock block, int sequences, Map<String, Qsnr> all) {
        List<Map<String, Qsnr>> found = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            found.add(new TreeMap<>());
        }
        running.forward(
                block,
                i -> (site, value) ->
                        add(found.get(i).computeIfAbsent(site, _ -> new Qsnr()), flat(value), width(value)));
        for (Map<String, Qsnr> sequence : found) {
            sequence.forEach(
                    (site, part) -> all.computeIfAbsent(site, _ -> new Qsnr()).merge(part));
        }
    }

    private static float[] flat(Tensor value) {
        float[][] result = new float[1][];
        Torch.inScope(() -> result[0] = Tensors.floats(value));
        return result[0];
    }

    private static int width(Tensor value) {
        return Math.toIntExact(value.size(-1));
    }
}
