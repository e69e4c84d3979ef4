package dev.halftone.calibration;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.PlainCache;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.random.RandomGenerator;

/**
 * Sequences sampled from the model itself, {@link CalibrationSource.Self}: temperature 1, nothing cut off, one token at a time
 * from the token that begins a text. All blocks are in memory meanwhile. A sequence is computed by one thread, so the ids do not
 * depend on their number.
 */
final class SelfSequences {
    private SelfSequences() {}

    /** The start itself is not in the sequences. */
    static List<int[]> draw(ModelFile model, Request request, Workers workers) {
        int start = start(request.tokenizer(), model.path().toString());
        int[][] sequences = new int[request.samples()][];
        try (Decoder decoder = model.decoder(Compute.FLOAT32)) {
            decoder.keepBlocks();
            workers.forEach(
                    request.samples(),
                    k -> sequences[k] = sample(decoder, start, request.length(), request.random("self", k)));
        }
        return Arrays.asList(sequences);
    }

    /** BOS; of a model without one, EOS, which ends the document before. */
    private static int start(TextTokenizer tokenizer, String place) {
        int start = tokenizer.bosId() >= 0 ? tokenizer.bosId() : tokenizer.eosId();
        if (start < 0) {
            throw new InputException(
                    "HT-448",
                    place,
                    "the tokenizer has neither BOS nor EOS to sample from",
                    "use another calibration source");
        }
        return start;
    }

    private static int[] sample(Decoder decoder, int start, int length, RandomGenerator random) {
        int[] ids = new int[length];
        try (PlainCache cache = new PlainCache(decoder.spec(), decoder.compute(), length)) {
            int last = start;
            for (int i = 0; i < length; i++) {
                int[] step = {last};
                AtomicReference<float[]> logits = new AtomicReference<>(new float[0]);
                Torch.inScope(() -> logits.set(Tensors.floats(decoder.forwardCached(step, cache, SiteObserver.NONE))));
                last = pick(logits.get(), random.nextDouble());
                ids[i] = last;
            }
        }
        return ids;
    }

    /**
     * Inverse CDF of the softmax in float64: the first id at which the sum of the probabilities exceeds {@code u}.
     *
     * @param u uniform in [0, 1)
     */
    static int pick(float[] logits, double u) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        double[] upTo = new double[logits.length];
        for (int i = 0; i < logits.length; i++) {
            sum += StrictMath.exp(logits[i] - max); // strict: the ids are to be the same on every machine
            upTo[i] = sum;
        }
        if (!Double.isFinite(sum)) {
            throw new InputException(
                    "HT-449",
                    "calibration source self",
                    "the model's logits are not finite",
                    "check the model with halftone inspect");
        }
        double threshold = u * sum;
        for (int i = 0; i < logits.length; i++) {
            if (upTo[i] > threshold) {
                return i;
            }
        }
        throw new IllegalArgumentException("u is " + u);
    }
}
