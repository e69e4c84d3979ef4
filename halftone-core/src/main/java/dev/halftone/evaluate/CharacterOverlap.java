package dev.halftone.evaluate;

import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * chrF: how far two texts share their n-grams of characters.
 *
 * <p>Source: Popovic, "chrF: character n-gram F-score for automatic MT evaluation", 2015: n from 1 to 6, white space left out, recall
 * twice as important as precision (beta = 2); precision and recall are means over the n that both texts are long enough for.
 */
final class CharacterOverlap {
    private static final int LONGEST = 6;
    private static final double BETA = 2;
    private static final Pattern SPACES = Pattern.compile("\\s+");

    private CharacterOverlap() {}

    /** 0 to 1; 1 for two texts without characters. */
    static double chrf(String hypothesis, String reference) {
        int[] h = SPACES.matcher(hypothesis).replaceAll("").codePoints().toArray();
        int[] r = SPACES.matcher(reference).replaceAll("").codePoints().toArray();
        if (h.length == 0 || r.length == 0) {
            return h.length == r.length ? 1 : 0;
        }
        double precision = 0;
        double recall = 0;
        int orders = 0;
        for (int n = 1; n <= LONGEST && n <= Math.min(h.length, r.length); n++) {
            Map<String, Integer> ours = grams(h, n);
            Map<String, Integer> theirs = grams(r, n);
            int shared = ours.entrySet().stream()
                    .mapToInt(gram -> Math.min(gram.getValue(), theirs.getOrDefault(gram.getKey(), 0)))
                    .sum();
            precision += (double) shared / (h.length - n + 1);
            recall += (double) shared / (r.length - n + 1);
            orders++;
        }
        double p = precision / orders;
        double c = recall / orders;
        return p + c == 0 ? 0 : (1 + BETA * BETA) * p * c / (BETA * BETA * p + c);
    }

    private static Map<String, Integer> grams(int[] text, int n) {
        Map<String, Integer> grams = new HashMap<>();
        for (int i = 0; i + n <= text.length; i++) {
            grams.merge(new String(text, i, n), 1, Integer::sum);
        }
        return grams;
    }
}
