package dev.halftone.kernel;

/**
 * exp in float64 by steps that every provider can repeat bit for bit: x = n ln 2 + r, a polynomial in r, and n added to the
 * exponent. Relative error below 1e-14; arguments below {@link #LEAST} count as that.
 */
final class Exponential {
    static final double LEAST = -700;
    static final double PER_LN2 = 1 / Math.log(2);
    /** The leading bits of ln 2: its products with n below 2^11 are exact. */
    static final double LN2_HIGH = 0x1.62e42fefa0000p-1;

    static final double LN2_LOW = 0x1.cf79abc9e3b3ap-40;
    /** 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits. */
    static final double ROUNDER = 0x1.8p52;
    /** Taylor coefficients 1/k! of degrees 11 to 0. */
    static final double[] COEFFICIENTS = new double[12];

    static {
        double factorial = 1;
        for (int k = 0; k < COEFFICIENTS.length; k++) {
            factorial *= Math.max(1, k);
            COEFFICIENTS[COEFFICIENTS.length - 1 - k] = 1 / factorial;
        }
    }

    private Exponential() {}

    /** @param x at most about 700 */
    static double of(double x) {
        double bounded = Math.max(x, LEAST);
        double shifted = Math.fma(bounded, PER_LN2, ROUNDER);
        double n = shifted - ROUNDER;
        double r = Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, bounded));
        double p = COEFFICIENTS[0];
        for (int k = 1; k < COEFFICIENTS.length; k++) {
            p = Math.fma(p, r, COEFFICIENTS[k]);
        }
        return Double.longBitsToDouble(Double.doubleToRawLongBits(p) + (Double.doubleToRawLongBits(shifted) << 52));
    }
}
