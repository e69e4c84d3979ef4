package dev.halftone.runtime.generate;

import dev.halftone.kernel.Kernels;
import java.util.ArrayList;
import java.util.List;

/**
 * A token and how probable the model found it, before temperature and penalties.
 *
 * @param logprob natural logarithm of the probability; NaN for the first token of a text, which nothing predicts, and where it was
 *     not asked for
 * @param top the most probable tokens, most probable first, of equals the smaller id
 */
public record ScoredToken(int id, double logprob, List<Alternative> top) {
    private static final Kernels KERNELS = Kernels.best();

    /** One of the most probable tokens. */
    public record Alternative(int id, double logprob) {}

    static ScoredToken unscored(int id) {
        return new ScoredToken(id, Double.NaN, List.of());
    }

    /**
     * Scores a token by the logits of its place.
     *
     * @param logits rows of {@code vocabulary} numbers
     * @param at where the row begins
     * @param top how many alternatives
     */
    static ScoredToken of(int id, float[] logits, int at, int vocabulary, int top) {
        double norm = KERNELS.logSumExp(logits, at, vocabulary);
        return new ScoredToken(id, logits[at + id] - norm, top(logits, at, vocabulary, top, norm));
    }

    private static List<Alternative> top(float[] logits, int at, int vocabulary, int count, double norm) {
        int wanted = Math.min(count, vocabulary);
        int[] best = new int[wanted];
        int found = 0;
        for (int i = 0; i < vocabulary && wanted > 0; i++) {
            float value = logits[at + i];
            if (found == wanted && !(value > logits[at + best[found - 1]])) {
                continue;
            }
            int place = found < wanted ? found++ : found - 1;
            while (place > 0 && value > logits[at + best[place - 1]]) {
                best[place] = best[place - 1];
                place--;
            }
            best[place] = i;
        }
        List<Alternative> top = new ArrayList<>(wanted);
        for (int id : best) {
            top.add(new Alternative(id, logits[at + id] - norm));
        }
        return top;
    }
}
