package dev.halftone.format;

/** Fits and applies the scale of one group of a {@link LevelGroup}. */
final class LevelGrid implements FittedGrid {
    /** Exponents that {@link ScaleRule#MSE} tries, from OCP_FLOOR's; the standard's first, so that it wins a tie. */
    private static final int[] SHIFTS = {0, 1, -1, 2};

    /** The NV formats store this for a block of zeros. */
    private static final float SCALE_OF_ZEROS = 0.125f;

    private final LevelGroup format;
    private final Elements elements;
    private final ClipSearch search;
    private final float unit;
    private float scale;
    private boolean saturated;

    LevelGrid(LevelGroup format, ClipSearch search, float unit) {
        this.format = format;
        this.elements = format.elements();
        this.search = search;
        this.unit = unit;
    }

    @Override
    public void fit(GroupValues values, ColumnWeights weights) {
        float most = values.magnitude();
        saturated = false;
        if (most == 0) {
            scale = scaleOfZeros();
            return;
        }
        if (format.rule() == ScaleRule.MSE) {
            int floor = format.rule().exponent(most, elements);
            float[] candidates = new float[SHIFTS.length];
            for (int i = 0; i < candidates.length; i++) {
                candidates[i] = Math.scalb(1f, ScaleRule.clamp(floor + SHIFTS[i]));
            }
            choose(candidates, values, weights, most);
            return;
        }
        scale = scaleOf(bound(values, most, search.first()));
        if (search.candidates() > 1 || search.refits() > 0) {
            float[] candidates = new float[search.candidates()];
            for (int i = 0; i < candidates.length; i++) {
                candidates[i] = scaleOf(bound(values, most, search.first() - i * search.step()));
            }
            choose(candidates, values, weights, most);
        }
        saturated = scale / unit >= format.scale().largest() && most / (elements.largest() * unit) > end();
    }

    /** A quotient that rounding brought just over the end of the type is not cut off. */
    private float end() {
        return format.scale().largest() * (1 + 1e-6f);
    }

    private float scaleOfZeros() {
        if (elements.value(elements.code(0)) != 0) {
            // No zero among the levels: the closer they are the better.
            return unit * format.scale().nonZero(0);
        }
        return switch (format.scale()) {
            case E8M0 -> unit * Math.scalb(1f, ScaleRule.clamp(Integer.MIN_VALUE));
            case E4M3 -> unit * SCALE_OF_ZEROS;
            case F16, BF16, F32 -> 1;
        };
    }

    /** What the values are bounded by at p. */
    private float bound(GroupValues values, float most, double p) {
        if (search.bounds() == ClipSearch.Bounds.QUANTILE) {
            float bound = GroupRange.quantile(values, p);
            return bound == 0 ? most : bound;
        }
        return (float) (p * most);
    }

    private float scaleOf(float bound) {
        return format.scale() == ScaleType.E8M0
                ? unit * Math.scalb(1f, format.rule().exponent(bound, elements))
                : unit * format.scale().nonZero(bound / (elements.largest() * unit));
    }

    /** Takes the candidate with the least error, of equals the first, and refits it. */
    private void choose(float[] candidates, GroupValues values, ColumnWeights weights, float most) {
        ErrorMeasure measure = new ErrorMeasure(search, weights, most);
        double best = Double.POSITIVE_INFINITY;
        float last = Float.NaN;
        for (float candidate : candidates) {
            if (candidate == last) {
                continue;
            }
            last = candidate;
            double error = error(candidate, values, measure);
            if (error < best) {
                best = error;
                scale = candidate;
            }
        }
        for (int i = 0; i < search.refits(); i++) {
            float wanted = leastSquares(values, measure);
            if (!(wanted > 0) || !Float.isFinite(wanted)) {
                return;
            }
            float refitted = unit * format.scale().nonZero(wanted / unit);
            double error = error(refitted, values, measure);
            if (!(error < best)) {
                return;
            }
            best = error;
            scale = refitted;
        }
    }

    private double error(float candidate, GroupValues values, ErrorMeasure measure) {
        double sum = 0;
        double[] difference = new double[values.length()];
        for (int r = 0; r < values.rows(); r++) {
            for (int i = 0; i < difference.length; i++) {
                float w = values.w()[values.row(r) + i];
                difference[i] = (double) (elements.value(elements.code(w / candidate)) * candidate) - w;
            }
            sum += measure.of(difference);
        }
        return sum;
    }

    /** The scale with the least squared error for the codes of the present one: sum h w e / sum h e^2; NaN if all e are 0. */
    private float leastSquares(GroupValues values, ErrorMeasure measure) {
        double upper = 0;
        double lower = 0;
        double[] element = new double[values.length()];
        double[] target = new double[values.length()];
        for (int r = 0; r < values.rows(); r++) {
            for (int i = 0; i < element.length; i++) {
                target[i] = values.w()[values.row(r) + i];
                element[i] = elements.value(elements.code((float) target[i] / scale));
            }
            upper += measure.product(element, target);
            lower += measure.product(element, element);
        }
        return (float) (upper / lower);
    }

    @Override
    public float scale() {
        return scale;
    }

    @Override
    public int zero() {
        return 0;
    }

    @Override
    public float minimum() {
        return 0;
    }

    @Override
    public boolean saturated() {
        return saturated;
    }

    @Override
    public int code(float w) {
        return elements.code(w / scale);
    }

    @Override
    public float value(int code) {
        return elements.value(code) * scale;
    }
}
