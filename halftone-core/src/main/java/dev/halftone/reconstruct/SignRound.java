package dev.halftone.reconstruct;

import dev.halftone.format.GridCodes;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.Outliers;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * SignRound: the rounding offset of every weight and the range of every group are trained by signed gradient descent.
 *
 * <p>Source: Cheng et al., arXiv:2309.05516. W (out, in); per group lo and hi, the ends of its grid, and b bits:
 *
 * <pre>s = (a1 hi - a0 lo) / (2^b - 1),  z = round(-a0 lo / s),  q = clamp(round(W / s + V) + z, 0, 2^b - 1),  W^ = (q - z) s</pre>
 *
 * <p>V starts at 0 and stays within [-1/2, 1/2], a0 and a1 start at 1 and stay within [0, 1]. Rounding passes gradients straight
 * through, scales are rounded to what they are stored as, and every step is rate * sign(gradient). A symmetric grid has s = a1 s_start
 * and keeps its z.
 *
 * <p>Deviation: it starts from any solved weight, with that one's grid, where the paper starts from rounding to nearest. Where the
 * solver chose another code than the nearest, W is moved to the nearest point that rounds to that code, so that V = 0 gives the
 * solver's codes. From rounding to nearest W stays as it is.
 */
public final class SignRound implements TrainedWeight {
    /** V's bound, in steps. */
    private static final float HALF = 0.5f;

    /** How far inside a code's cell a moved weight lies, in steps: not on the border, where float32 decides. */
    private static final float INSIDE = 0.499f;

    private final LinearSite site;
    private final IntGroup format;
    private final int out;
    private final int in;
    private final int groups;
    private final int[] groupOf;

    /** What is stored beside the codes, and stays. */
    private final @Nullable Outliers outliers;

    /** (out, in): W less the outliers, moved where the start has other codes than the nearest. */
    private final float[] w;

    /** W less the outliers. */
    private final float[] own;

    /** (out, groups): the start's grids. */
    private final float[] startScale;

    private final byte[] startZero;
    private final float unit;
    private Parameters now;
    private Parameters kept;

    /**
     * What is trained.
     *
     * @param v (out, in)
     * @param a0 (out, groups); a1 likewise
     */
    record Parameters(float[] v, float[] a0, float[] a1) {
        Parameters copy() {
            return new Parameters(v.clone(), a0.clone(), a1.clone());
        }
    }

    /** True if weights of the format can be trained: integers with a scale per group of one row, and no stored minima. */
    public static boolean trains(NumberFormat format) {
        return format instanceof IntGroup ints
                && ints.rows() == 1
                && switch (ints.mode()) {
                    case ASYM, SYM, SYM_FULL, SYM_WIDE, SIGNED_MAX -> true;
                    default -> false;
                };
    }

    /**
     * Starts from a solved weight.
     *
     * @param weight W (out, in) that the start was made of; not changed
     * @param solved codes in a format that {@link #trains}, outliers beside them or not
     */
    public SignRound(LinearSite site, float[] weight, StoredWeight solved) {
        this.outliers = solved instanceof OutlierWeight with ? with.outliers() : null;
        PackedWeight start = codes(solved);
        if (!trains(start.format())) {
            throw new IllegalArgumentException(
                    "signround does not train " + start.format().label());
        }
        this.site = site;
        this.format = (IntGroup) start.format();
        this.out = start.out();
        this.in = start.in();
        this.groups = format.groups(in);
        this.groupOf = new int[in];
        Arrays.setAll(groupOf, start::groupOf);
        this.unit = start.multiple();
        this.startScale = new float[out * groups];
        this.startZero = new byte[out * groups];
        this.w = weight.clone();
        this.now = start();
        this.kept = now;
        for (int row = 0; row < out; row++) {
            outliers(row, w, row * in, -1);
        }
        this.own = w.clone();
        for (int row = 0; row < out; row++) {
            takeGrids(start, row);
            takeCodes(start, row);
        }
    }

    private static PackedWeight codes(StoredWeight solved) {
        return switch (solved) {
            case PackedWeight packed -> packed;
            case OutlierWeight(PackedWeight dense, Outliers _) -> dense;
            default ->
                throw new IllegalArgumentException(
                        "signround does not train " + solved.format().label());
        };
    }

    /** Adds the outliers of a row, or takes them away. */
    private void outliers(int row, float[] values, int at, int sign) {
        if (outliers != null) {
            float[] beside = new float[in];
            outliers.add(row, beside, 0);
            for (int j = 0; j < in; j++) {
                values[at + j] += sign * beside[j];
            }
        }
    }

    private Parameters start() {
        float[] ones = new float[out * groups];
        Arrays.fill(ones, 1);
        return new Parameters(new float[out * in], ones, ones.clone());
    }

    private boolean asymmetric() {
        return format.mode() == GridMode.ASYM;
    }

    private void takeGrids(PackedWeight start, int row) {
        for (int g = 0; g < groups; g++) {
            startScale[row * groups + g] = unit * start.storedScale(row, g);
            startZero[row * groups + g] = (byte) start.storedZero(row, g);
        }
    }

    /** Moves the weights whose code is not the nearest. */
    private void takeCodes(PackedWeight start, int row) {
        for (int j = 0; j < in; j++) {
            float scale = startScale[row * groups + groupOf[j]];
            int zero = zero(row * groups + groupOf[j]);
            int code = start.code(row, j);
            int at = row * in + j;
            if (scale != 0 && format.code(w[at], scale, 0, zero) != code) {
                w[at] = scale * Math.clamp(w[at] / scale, code - zero - INSIDE, code - zero + INSIDE);
            }
        }
    }

    private int zero(int group) {
        return startZero[group] & 0xFF;
    }

    @Override
    public LinearSite site() {
        return site;
    }

    /**
     * The grid of a group under the parameters.
     *
     * @param free the zero point is that of the range, not the nearest that there is
     */
    private record Grid(float scale, int zero, boolean free) {}

    private Grid grid(int at) {
        int zero = zero(at);
        float start = startScale[at];
        if (!asymmetric()) {
            return new Grid(stored(now.a1()[at] * start), zero, false);
        }
        // hi = (L - z) s and lo = -z s of the start: with a0 = a1 = 1 this is exactly its s.
        float largest = format.largest();
        float scale = stored((now.a1()[at] * (largest - zero) + now.a0()[at] * zero) / largest * start);
        if (scale == 0) {
            return new Grid(0, zero, false);
        }
        float moved = (float) Math.rint(now.a0()[at] * zero * (start / scale));
        return new Grid(scale, (int) Math.min(moved, largest), moved <= largest);
    }

    /** A scale as it is read from the file. */
    private float stored(float scale) {
        return unit * format.scale().nearestFinite(scale / unit);
    }

    /** Round(W / s + V) + z before it is clamped. */
    private float level(int at, Grid grid) {
        return (float) Math.rint(w[at] / grid.scale() + now.v()[at]) + grid.zero();
    }

    private int code(int at, Grid grid) {
        return grid.scale() == 0
                ? grid.zero()
                : (int) Math.clamp(level(at, grid), (float) format.lowest(), (float) format.largest());
    }

    @Override
    public void read(MemorySegment target, Workers workers) {
        workers.forEach(out, row -> {
            Grid[] grids = grids(row);
            float[] values = new float[in];
            for (int j = 0; j < in; j++) {
                Grid grid = grids[groupOf[j]];
                values[j] = format.value(code(row * in + j, grid), grid.scale(), 0, grid.zero());
            }
            outliers(row, values, 0, 1);
            MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT, (long) row * in * Float.BYTES, in);
        });
    }

    private Grid[] grids(int row) {
        Grid[] grids = new Grid[groups];
        Arrays.setAll(grids, g -> grid(row * groups + g));
        return grids;
    }

    @Override
    public void step(MemorySegment gradient, double rate, Workers workers) {
        workers.forEach(out, row -> step(row, gradient, (float) rate));
    }

    private void step(int row, MemorySegment gradient, float rate) {
        Grid[] grids = grids(row);
        double[] byScale = new double[groups];
        double[] byZero = new double[groups];
        float[] v = now.v();
        for (int j = 0; j < in; j++) {
            int g = groupOf[j];
            Grid grid = grids[g];
            int at = row * in + j;
            if (grid.scale() == 0) {
                continue;
            }
            float slope = gradient.getAtIndex(ValueLayout.JAVA_FLOAT, at);
            float level = level(at, grid);
            float code = Math.clamp(level, (float) format.lowest(), (float) format.largest());
            byScale[g] += slope * (code - grid.zero());
            if (level == code) {
                byScale[g] -= slope * w[at] / grid.scale();
                v[at] = Math.clamp(v[at] - rate * Math.signum(slope * grid.scale()), -HALF, HALF);
            } else {
                byZero[g] -= slope * grid.scale();
            }
        }
        for (int g = 0; g < groups; g++) {
            stepRange(row * groups + g, grids[g], byScale[g], byZero[g], rate);
        }
    }

    private void stepRange(int at, Grid grid, double byScale, double byZero, float rate) {
        float[] a0 = now.a0();
        float[] a1 = now.a1();
        double start = startScale[at];
        if (grid.scale() == 0) {
            return;
        }
        if (!asymmetric()) {
            a1[at] = moved(a1[at], byScale * start, rate);
            return;
        }
        int zero = zero(at);
        double scale = byScale;
        double byA0 = 0;
        if (grid.free()) {
            double moves = zero * start / grid.scale();
            byA0 = byZero * moves;
            scale -= byZero * a0[at] * moves / grid.scale();
        }
        double largest = format.largest();
        a0[at] = moved(a0[at], byA0 + scale * start * zero / largest, rate);
        a1[at] = moved(a1[at], scale * start * (largest - zero) / largest, rate);
    }

    private static float moved(float share, double gradient, float rate) {
        return Math.clamp(share - rate * (float) Math.signum(gradient), 0, 1);
    }

    /** What is trained, as it is now. */
    Parameters parameters() {
        return now.copy();
    }

    @Override
    public void keep() {
        kept = now.copy();
    }

    @Override
    public void restore() {
        now = kept.copy();
    }

    @Override
    public void reset() {
        now = start();
    }

    @Override
    public double changed() {
        long changed = 0;
        for (int row = 0; row < out; row++) {
            Grid[] grids = grids(row);
            for (int j = 0; j < in; j++) {
                Grid grid = grids[groupOf[j]];
                int at = row * in + j;
                boolean nearest =
                        grid.scale() == 0 || code(at, grid) == format.code(own[at], grid.scale(), 0, grid.zero());
                changed += nearest ? 0 : 1;
            }
        }
        return changed / ((double) out * in);
    }

    @Override
    public StoredWeight packed() {
        byte[] codes = new byte[out * in];
        float[] scales = new float[out * groups];
        byte[] zeros = new byte[out * groups];
        for (int row = 0; row < out; row++) {
            Grid[] grids = grids(row);
            for (int g = 0; g < groups; g++) {
                scales[row * groups + g] = grids[g].scale();
                zeros[row * groups + g] = (byte) grids[g].zero();
            }
            for (int j = 0; j < in; j++) {
                codes[row * in + j] = (byte) code(row * in + j, grids[groupOf[j]]);
            }
        }
        PackedWeight dense =
                PackedWeight.of(format, out, in, new GridCodes(codes, scales, zeros, new float[0], unit, groupOf));
        return outliers == null ? dense : new OutlierWeight(dense, outliers);
    }
}
