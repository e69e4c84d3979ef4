package dev.halftone.solver;

import dev.halftone.format.BilevelGroup;
import dev.halftone.format.BilevelWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.kernel.Kernels;
import dev.halftone.kernel.LevelColumns;
import dev.halftone.kernel.Levels;

/**
 * SpQR's grids while columns are rounded. A group's first level (scale and zero point of each row) is fitted to the values that its
 * columns have when the first of them is reached; when the last row of a tile has its own, the second level quantizes both.
 */
final class SpqrGrid implements ColumnLoop.Grid {
    /** Rows that the loop hands over one after the other. */
    static final int STRIP = 64;

    /** Largest zero point that FP16 can tell from its neighbours well enough. */
    private static final float LARGEST_ZERO = 2048;

    private final BilevelGroup format;
    private final int out;
    private final int in;
    private final int groups;
    private final int[] groupOf;

    /** R_jj by place in solving order, and by column. */
    private final double[] pivots;

    private final double[] pivotOf;
    private final double theta;
    private final boolean screen;

    /** First level (out, groups). */
    private final float[] scales;

    private final float[] zeros;

    /** Second level: codes (out, groups), numbers (tiles, groups, 4). */
    private final byte[] scaleCodes;

    private final byte[] zeroCodes;
    private final float[] statistics;

    /** (groups, out): the rows of a group stand side by side. */
    private final LevelColumns levels;

    private final byte[] codes;
    private final OutlierRows outliers;

    /** @param r (in, in) factor in solving order */
    SpqrGrid(WeightProblem problem, BilevelGroup format, int[] order, double[] r, double theta, boolean screen) {
        this.format = format;
        this.out = problem.out();
        this.in = problem.in();
        this.groups = in / format.group();
        this.theta = theta;
        this.screen = screen && !Double.isInfinite(theta);
        this.groupOf = new int[in];
        this.pivots = new double[in];
        this.pivotOf = new double[in];
        for (int i = 0; i < in; i++) {
            groupOf[order[i]] = i / format.group();
            pivots[i] = r[i * in + i];
            pivotOf[order[i]] = pivots[i];
        }
        this.scales = new float[out * groups];
        this.zeros = new float[out * groups];
        this.scaleCodes = new byte[out * groups];
        this.zeroCodes = new byte[out * groups];
        this.statistics = new float[Math.ceilDiv(out, format.rows()) * groups * 4];
        this.levels = LevelColumns.of(out * groups, 0, (1 << format.bits()) - 1);
        this.codes = new byte[out * in];
        this.outliers = new OutlierRows(out, in);
    }

    @Override
    public int groupOf(int column) {
        return groupOf[column];
    }

    @Override
    public void fit(int row, int g, float[] values, int at) {
        float[] v = new float[format.group()];
        System.arraycopy(values, at, v, 0, v.length);
        if (screen) {
            screen(v, g * format.group());
        }
        First first = First.of(v, -1, levels.largest());
        scales[row * groups + g] = first.scale;
        zeros[row * groups + g] = first.zero;
        if ((row + 1) % format.rows() == 0 || row == out - 1) {
            second(row / format.rows(), g);
        }
    }

    /** A first-level grid: w is rounded to scale (code - zero), the zero point is no whole number. */
    private record First(float scale, float zero, int largest) {
        /** Of values but one; {@code without} -1: of all. */
        static First of(float[] v, int without, int largest) {
            float low = Float.POSITIVE_INFINITY;
            float high = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < v.length; i++) {
                if (i != without) {
                    low = Math.min(low, v[i]);
                    high = Math.max(high, v[i]);
                }
            }
            if (low >= high) {
                low = -1;
                high = 1;
            }
            float scale = (high - low) / largest;
            return new First(scale, -low / scale, largest);
        }

        double error(float w, double pivot) {
            float code = Math.clamp((float) Math.rint(w / scale + zero), 0f, (float) largest);
            double error = (w - (double) scale * (code - zero)) * pivot;
            return error * error;
        }
    }

    /**
     * Puts the mean of the others in the place of each value whose absence lets the rest be rounded better by more than theta. Only the
     * one smallest and the one largest value change the grid by their absence: all others gain their own error and no more.
     */
    private void screen(float[] v, int position) {
        double[] gain = gains(v, position, pivots, levels.largest());
        double sum = 0;
        int kept = 0;
        for (int i = 0; i < v.length; i++) {
            if (!(gain[i] > theta)) {
                sum += v[i];
                kept++;
            }
        }
        float mean = kept == 0 ? 0 : (float) (sum / kept);
        for (int i = 0; i < v.length && kept > 0; i++) {
            v[i] = gain[i] > theta ? mean : v[i];
        }
    }

    /** By how much the squared errors of a group fall if a value is left out, for each value. */
    static double[] gains(float[] v, int position, double[] pivots, int largest) {
        First all = First.of(v, -1, largest);
        double[] own = new double[v.length];
        double base = 0;
        for (int i = 0; i < v.length; i++) {
            own[i] = all.error(v[i], pivots[position + i]);
            base += own[i];
        }
        for (int extreme : new int[] {onlyExtreme(v, 1), onlyExtreme(v, -1)}) {
            if (extreme >= 0) {
                First without = First.of(v, extreme, largest);
                double rest = 0;
                for (int i = 0; i < v.length; i++) {
                    rest += i == extreme ? 0 : without.error(v[i], pivots[position + i]);
                }
                own[extreme] = base - rest;
            }
        }
        return own;
    }

    /** The only value that is the largest (sign 1) or the smallest (-1); -1 if there are several. */
    private static int onlyExtreme(float[] v, float sign) {
        int found = 0;
        boolean only = true;
        for (int i = 1; i < v.length; i++) {
            if (sign * v[i] > sign * v[found]) {
                found = i;
                only = true;
            } else if (v[i] == v[found]) {
                only = false;
            }
        }
        return only && v.length > 1 ? found : -1;
    }

    /** Quantizes the scales and the zero points of a tile. */
    private void second(int tile, int g) {
        int first = tile * format.rows();
        int count = Math.min(format.rows(), out - first);
        int at = (tile * groups + g) * 4;
        quantize(scales, scaleCodes, first, count, g, at);
        quantize(zeros, zeroCodes, first, count, g, at + 2);
        for (int row = first; row < first + count; row++) {
            float scale = BilevelWeight.scale(scaleCodes[row * groups + g] & 0xFF, statistics[at], statistics[at + 1]);
            float zero =
                    BilevelWeight.number(zeroCodes[row * groups + g] & 0xFF, statistics[at + 2], statistics[at + 3]);
            levels.scales()[g * out + row] = scale;
            levels.offsets()[g * out + row] = -scale * zero;
        }
    }

    private void quantize(float[] values, byte[] target, int first, int count, int g, int at) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int row = first; row < first + count; row++) {
            low = Math.min(low, values[row * groups + g]);
            high = Math.max(high, values[row * groups + g]);
        }
        int largest = (1 << format.statisticBits()) - 1;
        float step = half((high - low) / largest);
        float zero = step == 0 ? 0 : half(-low / step);
        if (step == 0 || Math.abs(zero) > LARGEST_ZERO) {
            // All alike: one step is their value.
            step = half((low + high) / 2);
            zero = 0;
        }
        statistics[at] = step;
        statistics[at + 1] = zero;
        for (int row = first; row < first + count; row++) {
            float code = step == 0 ? 0 : (float) Math.rint(values[row * groups + g] / step + zero);
            target[row * groups + g] = (byte) Math.clamp(code, 0f, (float) largest);
        }
    }

    private static float half(float value) {
        return Float.float16ToFloat(Float.floatToFloat16(value));
    }

    @Override
    public float round(int row, int column, float w) {
        float[] value = {w};
        round(row, 1, column, value, 0);
        return value[0];
    }

    @Override
    public void round(int row, int count, int column, float[] w, int at) {
        float[] before = new float[count];
        System.arraycopy(w, at, before, 0, count);
        int[] found = new int[count];
        Kernels.best().round(w, at, levels, groupOf[column] * out + row, found, count);
        double pivot = pivotOf[column];
        for (int r = 0; r < count; r++) {
            codes[(row + r) * in + column] = (byte) found[r];
            double error = ((double) before[r] - w[at + r]) * pivot;
            if (error * error > theta) {
                w[at + r] += outliers.put(row + r, column, before[r] - w[at + r]);
            }
        }
    }

    double outlierShare() {
        return outliers.size() / ((double) out * in);
    }

    /** Share of codes that rounding a weight to nearest on these grids would change. */
    double changed(float[] weight) {
        long changed = 0;
        for (int row = 0; row < out; row++) {
            for (int j = 0; j < in; j++) {
                int index = groupOf[j] * out + row;
                int code = Levels.code(
                        weight[row * in + j], levels.scales()[index], levels.offsets()[index], 0, 0, levels.largest());
                changed += code == (codes[row * in + j] & 0xFF) ? 0 : 1;
            }
        }
        return changed / ((double) out * in);
    }

    StoredWeight packed() {
        BilevelWeight.Codes found = new BilevelWeight.Codes(codes, scaleCodes, zeroCodes, statistics, groupOf);
        return outliers.beside(BilevelWeight.of(format, out, in, found));
    }
}
