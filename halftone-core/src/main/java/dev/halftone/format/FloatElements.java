package dev.halftone.format;

/**
 * Small floats: sign, exponent and mantissa from the top bit down, (-1)^s 1.m 2^(e-bias), and (-1)^s 0.m 2^(1-bias) for e = 0.
 * Values are rounded to nearest, ties to the even mantissa, and saturate.
 *
 * <p>Source: OCP 8-bit Floating Point Specification (OFP8) and OCP Microscaling Formats (MX) v1.0.
 */
public enum FloatElements implements Elements {
    /** No infinities; NaN is 0x7F. */
    E4M3("e4m3", 4, 3, 448, 0x7F),
    /** Infinities are 0x7C, NaN is 0x7E. */
    E5M2("e5m2", 5, 2, 57344, 0x7E),
    E2M3("e2m3", 2, 3, 7.5f, -1),
    E3M2("e3m2", 3, 2, 28, -1),
    E2M1("e2m1", 2, 1, 6, -1);

    private final String title;
    private final int mantissa;
    private final float largest;
    private final int nan;

    /** Exponent of the smallest normal number. */
    private final int least;

    private final int sign;

    @SuppressWarnings("ImmutableEnumChecker") // nobody writes to it
    private final float[] values;

    FloatElements(String title, int exponent, int mantissa, float largest, int nan) {
        this.title = title;
        this.mantissa = mantissa;
        this.largest = largest;
        this.nan = nan;
        int bias = (1 << (exponent - 1)) - 1;
        this.least = 1 - bias;
        this.sign = 1 << (exponent + mantissa);
        this.values = new float[2 * sign];
        for (int code = 0; code < sign; code++) {
            int field = code >> mantissa;
            int hidden = field == 0 ? 0 : 1 << mantissa;
            int significand = hidden + (code & ((1 << mantissa) - 1));
            float value = Math.scalb((float) significand, Math.max(field, 1) - bias - mantissa);
            if (value > largest) {
                value = exponent == 5 && (code & 3) == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
            }
            values[code] = value;
            values[code + sign] = -value;
        }
    }

    @Override
    public String title() {
        return title;
    }

    @Override
    public int bits() {
        return Integer.numberOfTrailingZeros(sign) + 1;
    }

    @Override
    public float largest() {
        return largest;
    }

    @Override
    public int code(float x) {
        if (Float.isNaN(x)) {
            if (nan < 0) {
                throw new IllegalArgumentException(title + " has no code for NaN");
            }
            return nan;
        }
        float a = Math.min(Math.abs(x), largest);
        int e = Math.max(Math.getExponent(a), least);
        // Steps of the binade: a power of two, so that the product is exact.
        int r = (int) Math.rint(a * Float.intBitsToFloat((127 + mantissa - e) << 23));
        // The exponent field is 0 below the smallest normal number, where the significand has no leading one: the same
        // sum; and so is a carry into the next binade.
        int magnitude = ((e - least) << mantissa) + r;
        return Float.floatToRawIntBits(x) < 0 ? magnitude | sign : magnitude;
    }

    @Override
    public float value(int code) {
        return values[code];
    }
}
