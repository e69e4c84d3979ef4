package dev.halftone.format;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * How the scale X of a group follows from A, the largest magnitude in it, and from Q, the largest of its elements. All but
 * {@link #ABSMAX} and {@link #POWER_UNIT} give powers of two, 2^E, E from -127 to 127.
 *
 * <p>Sources: OCP Microscaling Formats (MX) v1.0; arXiv:2510.25602 (CEIL); arXiv:2509.23202 (FLOOR_4_3).
 */
public enum ScaleRule {
    /** A / Q, rounded to what scales are stored as. */
    ABSMAX("absmax"),

    /**
     * A / Q as a multiple s of the least power of two g with s at most 448, E4M3 scales alone: what NVFP4's elements (two significant
     * bits) and s (four) make is exact in bfloat16, which transformers decodes them to.
     */
    POWER_UNIT("power-unit"),

    /** E = floor(log2 A) - floor(log2 Q): the standard's. What lies above Q saturates. */
    OCP_FLOOR("ocp-floor"),

    /** E = ceil(log2(A / Q)): nothing saturates. */
    CEIL("ceil"),

    /** E = rint(log2(A / Q)): saturates by up to sqrt(2). */
    ROUND("round"),

    /** As OCP_FLOOR, and one more where A is at least 1.75 times its power of two: compressed-tensors'. */
    CT("ct"),

    /** X = 2^floor(log2 A) / 3, E2M1 alone: A lands on 3 to 6, nothing saturates. MR-GPTQ's. */
    FLOOR_4_3("floor-4-3"),

    /** The E from one below OCP_FLOOR's to two above with the least error. */
    MSE("mse");

    private static final int LEAST_EXPONENT = -127;
    private static final int MOST_EXPONENT = 127;

    private final String title;

    ScaleRule(String title) {
        this.title = title;
    }

    /** The name in recipes and files. */
    public String title() {
        return title;
    }

    static Optional<ScaleRule> titled(String title) {
        return Arrays.stream(values()).filter(rule -> rule.title.equals(title)).findFirst();
    }

    /** True if scales are powers of two. */
    boolean powers() {
        return this != ABSMAX && this != POWER_UNIT;
    }

    /** Those that give powers of two. */
    public static List<ScaleRule> ofPowers() {
        return Arrays.stream(values()).filter(ScaleRule::powers).toList();
    }

    /** Those that go with scales of that type. */
    public static List<ScaleRule> of(ScaleType scale) {
        return switch (scale) {
            case E8M0 -> ofPowers();
            case E4M3 -> List.of(ABSMAX, POWER_UNIT);
            case F16, BF16, F32 -> List.of(ABSMAX);
        };
    }

    /**
     * E for a group; that of OCP_FLOOR for MSE, which compares several.
     *
     * @param most A, above 0
     */
    int exponent(float most, Elements elements) {
        // The exponent of a subnormal number has no bits to be read from.
        float a = Math.max(most, Float.MIN_NORMAL);
        int floor = Math.getExponent(a) - elements.exponent();
        return clamp(
                switch (this) {
                    case ABSMAX, POWER_UNIT -> throw new IllegalStateException(title + " gives no powers of two");
                    case OCP_FLOOR, MSE -> floor;
                    case CEIL -> ceil(a, elements.largest());
                    case ROUND -> round(a, elements.largest());
                    // The carry of the bits' sum is one exactly if the mantissa is 1.75 or more.
                    case CT ->
                        Math.getExponent(Float.intBitsToFloat(Float.floatToRawIntBits(a) + (1 << 21)))
                                - elements.exponent();
                    case FLOOR_4_3 -> Math.getExponent(a);
                });
    }

    /** The smallest E with 2^E Q >= A. A / Q lies between two powers of two on either side of this quotient's exponent. */
    private static int ceil(float a, float q) {
        int e = Math.getExponent(a) - Math.getExponent(q);
        return a > Math.scalb((double) q, e) ? e + 1 : e;
    }

    /** The smallest E with (2^E sqrt(2) Q)^2 >= A^2: squares of float32 numbers are exact in float64, and never equal. */
    private static int round(float a, float q) {
        int e = Math.getExponent(a) - Math.getExponent(q) - 1;
        while ((double) a * a > Math.scalb((double) q * q, 2 * e + 1)) {
            e++;
        }
        return e;
    }

    /** Within what a byte of E8M0 can say. */
    static int clamp(int e) {
        return Math.clamp(e, LEAST_EXPONENT, MOST_EXPONENT);
    }
}
