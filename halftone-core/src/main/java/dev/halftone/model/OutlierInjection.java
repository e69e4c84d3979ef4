package dev.halftone.model;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Gives a model outlier channels without changing its function: in every block, {@code channels} channels of a norm's weight
 * (and bias) are multiplied by {@code g} and the columns of the linears that read the norm divided by it. The channels are the
 * same in all blocks, as in large models (arXiv:2208.07339). Small models have few outliers of their own; methods that fight
 * them are tested on these too.
 *
 * @param g positive
 * @param channels at least 1
 * @param seed of the choice of the channels
 */
public record OutlierInjection(double g, int channels, long seed) {
    private static final double G = 40;
    private static final int CHANNELS = 6;
    private static final long SEED = 1;

    /**
     * Reads {@code g=40,channels=6,seed=1}; what is absent has these values.
     *
     * @param place for messages
     * @throws InputException HT-310
     */
    public static OutlierInjection parse(String text, String place) {
        Map<String, String> values = new HashMap<>();
        for (String part : text.isBlank() ? new String[0] : text.split(",", -1)) {
            int equals = part.indexOf('=');
            String key = equals < 0 ? part.strip() : part.substring(0, equals).strip();
            if (equals < 0 || !List.of("g", "channels", "seed").contains(key) || values.containsKey(key)) {
                throw error(
                        place, "\"" + part.strip() + "\"; expected g=NUMBER, channels=N and seed=N, each at most once");
            }
            values.put(key, part.substring(equals + 1).strip());
        }
        try {
            double g = values.containsKey("g") ? Double.parseDouble(values.get("g")) : G;
            int channels = values.containsKey("channels") ? Integer.parseInt(values.get("channels")) : CHANNELS;
            long seed = values.containsKey("seed") ? Long.parseLong(values.get("seed")) : SEED;
            if (!(g > 0 && g < 1e6) || channels < 1) {
                throw error(place, "g=%s, channels=%d; expected g above 0 and channels from 1".formatted(g, channels));
            }
            return new OutlierInjection(g, channels, seed);
        } catch (NumberFormatException e) {
            throw error(place, "no number: " + e.getMessage());
        }
    }

    private static InputException error(String place, String finding) {
        return new InputException("HT-310", place, finding, "for example +outliers(g=40,channels=6)");
    }

    /** The chosen channels of a residual stream of that width, ascending. */
    public int[] chosen(int width) {
        int[] all = IntStream.range(0, width).toArray();
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < channels; i++) {
            int other = random.nextInt(i, width);
            int first = all[i];
            all[i] = all[other];
            all[other] = first;
        }
        int[] chosen = Arrays.copyOf(all, channels);
        Arrays.sort(chosen);
        return chosen;
    }

    /**
     * The checkpoint with these outliers; closing it closes the original.
     *
     * @throws InputException HT-310 for a model whose norms stand behind the residual sum, or that is narrower
     */
    public Checkpoint inject(Checkpoint checkpoint, DecoderSpec spec) {
        String place = checkpoint.path().toString();
        if (spec.postNorm()) {
            throw error(place, "outliers cannot be injected: the residual stream itself is normed");
        }
        if (channels > spec.hidden()) {
            throw error(place, "%d channels; the model has %d".formatted(channels, spec.hidden()));
        }
        Map<String, ScaledCheckpoint.Scaling> scalings = new HashMap<>();
        int[] chosen = chosen(spec.hidden());
        for (int i = 0; i < spec.layers(); i++) {
            for (Junction junction : spec.junctions(i)) {
                if (junction.producer() instanceof Junction.NormOutput(String norm, double offset)) {
                    add(scalings, norm, offset, junction.readers(), chosen, spec);
                }
            }
        }
        return new ScaledCheckpoint(checkpoint, scalings);
    }

    private void add(
            Map<String, ScaledCheckpoint.Scaling> scalings,
            String norm,
            double offset,
            List<LinearSite> readers,
            int[] chosen,
            DecoderSpec spec) {
        for (Decoder.Expected tensor : Decoder.norm(norm, spec)) {
            double added = tensor.name().endsWith(".weight") ? offset : 0;
            scalings.put(tensor.name(), new ScaledCheckpoint.Scaling(chosen, g, added, false));
        }
        for (LinearSite reader : readers) {
            scalings.put(reader.weight(), new ScaledCheckpoint.Scaling(chosen, 1 / g, 0, reader.inputMajor()));
        }
    }

    @Override
    public String toString() {
        return "outliers(g=%s,channels=%d,seed=%d)"
                .formatted(g == Math.rint(g) ? (Object) (long) g : g, channels, seed);
    }
}
