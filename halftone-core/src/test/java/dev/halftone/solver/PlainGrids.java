package dev.halftone.solver;

import dev.halftone.format.ClipSearch.Bounds;
import dev.halftone.format.GridMode;
import java.util.Arrays;

/** Integer grids with FP16 scales written out from their formulas, one value after another: what the fast code must equal. */
final class PlainGrids {
    private PlainGrids() {}

    /**
     * The values of a group on the grid of a candidate.
     *
     * @param p bound of the candidate
     * @param shift of the zero point
     */
    static float[] rounded(float[] v, GridMode mode, int bits, Bounds bounds, double p, int shift) {
        float max = 0;
        float peak = 0;
        double sum = 0;
        for (float x : v) {
            if (Math.abs(x) > max) {
                max = Math.abs(x);
                peak = x;
            }
            sum += Math.abs(x);
        }
        float mean = (float) (sum / v.length);
        float[] result = new float[v.length];
        if (max == 0 && mode != GridMode.BINARY) {
            return result;
        }
        float ratio = bounds == Bounds.RANGE ? (float) p : 1;
        float bound = switch (bounds) {
            case RANGE -> max;
            case MAGNITUDE -> p == 1 ? max : (float) (p * max);
            case QUANTILE -> quantile(v, p);
        };
        float[] cut = v.clone();
        for (int i = 0; i < v.length; i++) {
            cut[i] = Math.max(-bound, Math.min(bound, v[i]));
        }
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (float x : cut) {
            low = Math.min(low, x);
            high = Math.max(high, x);
        }
        int n = (1 << (bits - 1)) - 1;
        int m = (1 << bits) - 1;
        float s = switch (mode) {
            case SYM, SYM_FULL -> half(bound * ratio / n);
            case SYM_WIDE -> half(bound * ratio / (n + 0.5f));
            case SIGNED_MAX -> half(Math.signum(peak) * bound * ratio / -(n + 1));
            case ASYM -> half((Math.max(0, high) - Math.min(0, low)) * ratio / m);
            case AFFINE -> half((high - low) * ratio / m);
            case TERNARY -> half(mean * Math.min(1, bound / max) * ratio);
            case BINARY -> half(2 * (mean * (max == 0 ? 1 : Math.min(1, bound / max))) * ratio) / 2;
        };
        float least = mode == GridMode.AFFINE ? signedHalf(low + (high - low) * (1 - ratio) / 2) : 0;
        double zero = Math.max(0, Math.min(m, Math.rint(-Math.min(0, low) * ratio / s))) + shift;
        for (int i = 0; i < v.length; i++) {
            double steps = Math.rint((v[i] - least) / s);
            result[i] = switch (mode) {
                case SYM, TERNARY -> (float) clamp(steps, -n, n) * s;
                case SYM_FULL, SYM_WIDE, SIGNED_MAX -> (float) clamp(steps, -n - 1, n) * s;
                case ASYM -> (float) (clamp((float) steps + (float) zero, 0, m) - zero) * s;
                case AFFINE -> (float) clamp(steps, 0, m) * s + least;
                case BINARY -> v[i] >= 0 ? s : -s;
            };
            // -0 is stored as a code and comes back as 0.
            result[i] += 0f;
        }
        return result;
    }

    private static double clamp(double x, double low, double high) {
        return Math.max(low, Math.min(high, x));
    }

    private static float quantile(float[] v, double p) {
        double[] sorted = new double[v.length];
        for (int i = 0; i < v.length; i++) {
            sorted[i] = Math.abs(v[i]);
        }
        Arrays.sort(sorted);
        double at = p * (v.length - 1);
        int below = (int) Math.floor(at);
        return (float) (sorted[below] + (at - below) * (sorted[Math.min(below + 1, v.length - 1)] - sorted[below]));
    }

    private static float half(float x) {
        float rounded = Float.float16ToFloat(Float.floatToFloat16(Math.min(Math.abs(x), 65504)));
        return Math.copySign(rounded == 0 ? 0x1p-24f : rounded, x);
    }

    private static float signedHalf(float x) {
        return Float.float16ToFloat(Float.floatToFloat16(Math.max(-65504, Math.min(65504, x))));
    }
}
