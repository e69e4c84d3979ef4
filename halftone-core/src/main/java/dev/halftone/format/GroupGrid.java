package dev.halftone.format;

import dev.halftone.kernel.Levels;

/**
 * Fits and applies the grid of one group of an {@link IntGroup}: a scale, already rounded to the type it is stored as, and what
 * the mode needs beside it. Rounding is half to even.
 */
public final class GroupGrid implements FittedGrid {
    private static final int[] CENTRE = {0};

    /** The centre first: at equal errors the plain grid wins. */
    private static final int[] CENTRE_AND_NEIGHBOURS = {0, -1, 1};

    private final IntGroup format;
    private final ClipSearch search;
    private final float unit;
    private float scale;
    private float minimum;
    private int zero;

    public GroupGrid(IntGroup format, ClipSearch search) {
        this(format, search, 1);
    }

    /** @param unit what scales are multiples of: {@link IntGroup#unit} of the whole weight */
    public GroupGrid(IntGroup format, ClipSearch search, float unit) {
        this.format = format;
        this.search = search;
        this.unit = unit;
    }

    @Override
    public float scale() {
        return scale;
    }

    @Override
    public int zero() {
        return zero;
    }

    @Override
    public float minimum() {
        return minimum;
    }

    @Override
    public boolean saturated() {
        return Math.abs(scale) >= unit * format.scale().largest();
    }

    @Override
    public int code(float w) {
        return format.mode().code(w, levels());
    }

    @Override
    public float value(int code) {
        return levels().value(code);
    }

    /** Of the last fit. */
    public Levels levels() {
        return new Levels(scale, format.mode().offset(scale, minimum), zero, format.lowest(), format.largest());
    }

    /** Fits the grid to {@code length} values whose columns matter by {@code importance}, for searches without H. */
    public void fit(float[] w, int at, float[] importance, int importanceAt, int length) {
        fit(GroupValues.run(w, at, length), ColumnWeights.of(importance, importanceAt));
    }

    @Override
    public void fit(GroupValues values, ColumnWeights weights) {
        GroupRange range = GroupRange.of(values, format.mode());
        minimum = 0;
        zero = format.middle();
        if (range.zero()) {
            // Two levels have no zero between them: the closer they are the better.
            scale = format.mode() == GridMode.BINARY ? storable(0) : 1;
            return;
        }
        candidate(values, range, search.first());
        if (search.candidates() > 1 || search.zeros() || search.refits() > 0) {
            search(values, range, new GroupError(format.mode(), search, values, weights, range.magnitude()));
        }
    }

    private void search(GroupValues values, GroupRange range, GroupError error) {
        float bestScale = scale;
        float bestMinimum = minimum;
        int bestZero = zero;
        double best = Double.POSITIVE_INFINITY;
        boolean zeros = search.zeros() && format.mode() == GridMode.ASYM;
        for (int i = 0; i < search.candidates(); i++) {
            candidate(values, range, search.first() - i * search.step());
            int centre = zero;
            for (int shift : zeros ? CENTRE_AND_NEIGHBOURS : CENTRE) {
                zero = centre + shift;
                if (zeros && (zero < 0 || zero > format.largest())) {
                    continue;
                }
                double found = error.of(levels());
                if (found < best) {
                    best = found;
                    bestScale = scale;
                    bestMinimum = minimum;
                    bestZero = zero;
                }
            }
        }
        scale = bestScale;
        minimum = bestMinimum;
        zero = bestZero;
        refit(error, best);
    }

    /** Alternates between the best scale for the codes and the codes of that scale while the error falls. */
    private void refit(GroupError error, double best) {
        double least = best;
        for (int i = 0; i < search.refits(); i++) {
            float before = scale;
            float wanted = error.leastSquares(levels());
            if (!Float.isFinite(wanted) || wanted == 0 || Math.signum(wanted) != Math.signum(before)) {
                return;
            }
            scale = storable(wanted);
            double found = error.of(levels());
            if (!(found < least)) {
                scale = before;
                return;
            }
            least = found;
        }
    }

    /** The grid of the values bounded by p. */
    private void candidate(GroupValues values, GroupRange range, double p) {
        switch (search.bounds()) {
            case RANGE -> grid(range, (float) p);
            case MAGNITUDE -> grid(p == 1 ? range : range.bounded((float) (p * range.magnitude())), 1);
            case QUANTILE -> {
                float bound = GroupRange.quantile(values, p);
                // Where most values are 0, nothing but the range as it is bounds them.
                grid(bound == 0 ? range : range.bounded(bound), 1);
            }
        }
    }

    /** The grid of a range whose ends are multiplied by {@code ratio}. */
    private void grid(GroupRange range, float ratio) {
        float magnitude = range.magnitude() * ratio;
        int n = format.middle() - 1;
        switch (format.mode()) {
            case SYM, SYM_FULL -> scale = storable(magnitude / n);
            case SYM_WIDE -> scale = storable(magnitude / (n + 0.5f));
            case SIGNED_MAX -> scale = storable(range.peak() * ratio / -(n + 1));
            case TERNARY -> scale = storable(range.mean() * ratio);
            case BINARY -> scale = storable(2 * range.mean() * ratio);
            case ASYM -> {
                scale = storable((range.high() - range.low()) * ratio / format.largest());
                zero = Math.clamp((int) Math.rint(-range.low() * ratio / scale), 0, format.largest());
            }
            case AFFINE -> {
                float width = range.most() - range.least();
                scale = storable(width * ratio / format.largest());
                minimum = format.scale().nearestFinite(range.least() + width * (1 - ratio) / 2);
            }
        }
    }

    /** Rounded to what the scale is stored as, and kept a finite number other than 0 there. */
    private float storable(float wanted) {
        return unit * format.scale().nonZero(wanted / unit);
    }
}
