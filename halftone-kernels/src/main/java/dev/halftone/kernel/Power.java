package dev.halftone.kernel;

/**
 * x^p for x at least 0 in float32, to about 1e-6: 2^(p log2 x) from polynomials, so that every provider can compute the same bits.
 * log(m) = 2 atanh((m - 1) / (m + 1)) for m between the roots of 1/2 and 2; the first term left out is below 1e-9.
 */
final class Power {
    /** Bits of sqrt(1/2): what is above belongs to the exponent. */
    static final int ROOT_OF_HALF = 0x3F3504F3;

    /** 2/9, 2/7, 2/5, 2/3, 2. */
    static final float[] LOGARITHM = {2f / 9, 2f / 7, 2f / 5, 2f / 3, 2f};

    static final float PER_LN2 = (float) 1.4426950408889634;

    /** ln2^k / k!, k = 7 .. 0. */
    static final float[] EXPONENTIAL = {
        (float) 1.5252733804059838e-05,
        (float) 0.00015403530393381606,
        (float) 0.0013333558146428441,
        (float) 0.009618129107628477,
        (float) 0.055504108664821576,
        (float) 0.2402265069591007,
        (float) 0.6931471805599453,
        1
    };

    /** Results end at 2^-125 and 2^126, inside the normal numbers; x = 0 gives the least. */
    static final float LEAST = -125;

    static final float LARGEST = 126;
    static final int EXPONENT_BIT = 23;

    /** 1.5 * 2^23: adding it leaves the nearest whole number in the low bits. */
    static final float ROUNDER = 0x1.8p23f;

    private Power() {}

    static float of(float x, float p) {
        int bits = Float.floatToRawIntBits(x);
        int exponent = (bits - ROOT_OF_HALF) >> EXPONENT_BIT;
        float m = Float.intBitsToFloat(bits - (exponent << EXPONENT_BIT));
        float r = (m - 1) / (m + 1);
        float square = r * r;
        float logarithm = LOGARITHM[0];
        for (int k = 1; k < LOGARITHM.length; k++) {
            logarithm = Math.fma(logarithm, square, LOGARITHM[k]);
        }
        float t = Math.fma(logarithm * r, PER_LN2, (float) exponent) * p;
        float bounded = Math.min(Math.max(t, LEAST), LARGEST);
        float shifted = bounded + ROUNDER;
        float rest = bounded - (shifted - ROUNDER);
        float result = EXPONENTIAL[0];
        for (int k = 1; k < EXPONENTIAL.length; k++) {
            result = Math.fma(result, rest, EXPONENTIAL[k]);
        }
        return Float.intBitsToFloat(
                Float.floatToRawIntBits(result) + (Float.floatToRawIntBits(shifted) << EXPONENT_BIT));
    }
}
