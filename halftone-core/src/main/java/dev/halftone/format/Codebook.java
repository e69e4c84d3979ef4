package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.List;

/**
 * A monotone scalar codebook: code k stands for level k, and a value has the number of thresholds below it as its code. The
 * thresholds lie halfway between neighbouring levels, so that the level is the nearest one; a value on a threshold has the lower.
 */
public final class Codebook implements Elements {
    /** The title of codebooks that no name stands for. */
    static final String OWN = "codebook";

    private static final int MOST_LEVELS = 256;

    /**
     * NormalFloat with 4 bits: quantiles of the normal distribution with an exact zero, on -1 to 1.
     *
     * <p>Source: Dettmers et al., arXiv:2305.14314, appendix E.
     */
    public static final Codebook NF4 = new Codebook(
            "nf4",
            List.of(
                    -1f,
                    -0.6961928f,
                    -0.52507305f,
                    -0.3949175f,
                    -0.28444138f,
                    -0.18477343f,
                    -0.091050036f,
                    0f,
                    0.0795803f,
                    0.1609302f,
                    0.2461123f,
                    0.33791524f,
                    0.44070983f,
                    0.562617f,
                    0.72295684f,
                    1f));

    private final String title;
    private final List<Float> levels;
    private final float[] values;
    private final float[] thresholds;
    private final float largest;

    /** @param levels 2 to 256, ascending */
    Codebook(String title, List<Float> levels) {
        if (levels.size() < 2 || levels.size() > MOST_LEVELS) {
            throw refused("%d levels; expected 2 to %d".formatted(levels.size(), MOST_LEVELS));
        }
        this.title = title;
        this.levels = List.copyOf(levels);
        this.values = new float[levels.size()];
        this.thresholds = new float[values.length - 1];
        float most = 0;
        for (int k = 0; k < values.length; k++) {
            values[k] = levels.get(k);
            if (!Float.isFinite(values[k]) || (k > 0 && !(values[k] > values[k - 1]))) {
                throw refused("level %d is %s; expected finite numbers in ascending order".formatted(k, values[k]));
            }
            if (k > 0) {
                thresholds[k - 1] = (float) (((double) values[k - 1] + values[k]) / 2);
            }
            most = Math.max(most, Math.abs(values[k]));
        }
        this.largest = most;
    }

    private static InputException refused(String finding) {
        return new InputException("HT-412", "", "a codebook has " + finding, "see docs/recipes.md");
    }

    /** Ascending. */
    public List<Float> levels() {
        return levels;
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public boolean storesLevels() {
        return title.equals(OWN);
    }

    @Override
    public int bits() {
        return Integer.SIZE - Integer.numberOfLeadingZeros(values.length - 1);
    }

    @Override
    public float largest() {
        return largest;
    }

    @Override
    public int code(float x) {
        if (Float.isNaN(x)) {
            throw new IllegalArgumentException(title + " has no code for NaN");
        }
        int low = 0;
        int high = thresholds.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (x > thresholds[middle]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Codes beyond the last level, which a damaged file may hold, stand for the last. */
    @Override
    public float value(int code) {
        return values[Math.min(code, values.length - 1)];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Codebook book && book.title.equals(title) && book.levels.equals(levels);
    }

    @Override
    public int hashCode() {
        return 31 * title.hashCode() + levels.hashCode();
    }

    @Override
    public String toString() {
        return title;
    }
}
