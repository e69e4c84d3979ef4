package dev.halftone.kernel.decode;

/**
 * exp in float32 by steps that every provider can repeat bit for bit: x = n ln 2 + r, a polynomial in r, and n added to the exponent.
 * Relative error below 2e-7; arguments outside [{@link #LEAST}, {@link #LARGEST}] count as its ends.
 */
final class FloatExponential {
    static final float LEAST = -87;
    static final float LARGEST = 88;
    static final float PER_LN2 = (float) (1 / Math.log(2));
    /** The leading bits of ln 2: its products with n below 2^8 are exact. */
    static final float LN2_HIGH = 0x1.62e4p-1f;

    static final float LN2_LOW = (float) (Math.log(2) - LN2_HIGH);
    /** 1.5 * 2^23: adding it rounds to an integer, which then stands in the low bits. */
    static final float ROUNDER = 0x1.8p23f;

    static final int EXPONENT_BIT = 23;
    /** Taylor coefficients 1/k! of degrees 7 to 0. */
    static final float[] COEFFICIENTS = new float[8];

    static {
        double factorial = 1;
        for (int k = 0; k < COEFFICIENTS.length; k++) {
            factorial *= Math.max(1, k);
            COEFFICIENTS[COEFFICIENTS.length - 1 - k] = (float) (1 / factorial);
        }
    }

    private FloatExponential() {}

    static float of(float x) {
        float bounded = Math.min(Math.max(x, LEAST), LARGEST);
        float shifted = Math.fma(bounded, PER_LN2, ROUNDER);
        float n = shifted - ROUNDER;
        float r = Math.fma(-n, LN2_LOW, Math.fma(-n, LN2_HIGH, bounded));
        float p = COEFFICIENTS[0];
        for (int k = 1; k < COEFFICIENTS.length; k++) {
            p = Math.fma(p, r, COEFFICIENTS[k]);
        }
        return Float.intBitsToFloat(Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(shifted) << EXPONENT_BIT));
    }
}
