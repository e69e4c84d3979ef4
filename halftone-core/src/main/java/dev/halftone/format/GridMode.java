package dev.halftone.format;

import dev.halftone.kernel.Levels;
import java.util.Arrays;
import java.util.Optional;

/**
 * How the codes of a group stand for values. With N = 2^(bits-1) - 1 and M = 2^bits - 1, the scale of a group as it is and its
 * values; codes are stored as 0 .. M, so that signed ones have 2^(bits-1) added.
 */
public enum GridMode {
    /** max|w| / N; (-N .. N) * scale. With 2 bits: ternary. */
    SYM("sym"),

    /** max|w| / N; (-N-1 .. N) * scale: the least code serves searches and outliers below. QuaRot's grid. */
    SYM_FULL("sym-full"),

    /** max|w| / (N + 0.5); (-N-1 .. N) * scale: GPTQ's and compressed-tensors' symmetric grid. */
    SYM_WIDE("sym-wide"),

    /** w / -(N + 1) of the element w of largest magnitude, sign included; (-N-1 .. N) * scale. GGUF's Q4_0. */
    SIGNED_MAX("signed-max"),

    /** (high - low) / M of a range that holds 0; (0 .. M minus a stored zero point) * scale. */
    ASYM("asym"),

    /** (max - min) / M; (0 .. M) * scale + a stored minimum: 0 need not be representable. GGUF's Q4_1. */
    AFFINE("affine"),

    /** mean|w|; (-1 .. 1) * scale: BitNet b1.58's grid. */
    TERNARY("ternary"),

    /** 2 mean|w|; (-1/2, 1/2) * scale: the sign, that of 0 is plus. */
    BINARY("binary");

    private final String title;

    GridMode(String title) {
        this.title = title;
    }

    /** The name in recipes and files. */
    public String title() {
        return title;
    }

    static Optional<GridMode> titled(String title) {
        return Arrays.stream(values()).filter(mode -> mode.title.equals(title)).findFirst();
    }

    /** True if a group needs nothing but its scale. */
    public boolean symmetric() {
        return this != ASYM && this != AFFINE;
    }

    /** Smallest number of bits per code. */
    int leastBits() {
        return this == BINARY ? 1 : 2;
    }

    /** Largest number of bits per code. */
    int mostBits() {
        return switch (this) {
            case BINARY -> 1;
            case TERNARY -> 2;
            default -> 8;
        };
    }

    /** Largest scale of a group whose values are at most 1, before any search. */
    float largestScale(int bits) {
        float n = (1 << (bits - 1)) - 1;
        return switch (this) {
            case SYM, SYM_FULL -> 1 / n;
            case SYM_WIDE -> 1 / (n + 0.5f);
            case SIGNED_MAX -> 1 / (n + 1);
            case ASYM, AFFINE -> 2f / ((1 << bits) - 1);
            case TERNARY -> 1;
            case BINARY -> 2;
        };
    }

    /**
     * What a group's levels add to its codes' multiples of the scale.
     *
     * @param minimum the stored minimum of an affine group
     */
    float offset(float scale, float minimum) {
        return switch (this) {
            case AFFINE -> minimum;
            case BINARY -> -0.5f * scale;
            default -> 0;
        };
    }

    /** The code of a value on levels of this mode. */
    int code(float w, Levels levels) {
        return this == BINARY ? sign(w) : levels.code(w);
    }

    /** The binary code: half to even would send 0 to minus. */
    public static int sign(float w) {
        return w >= 0 ? 1 : 0;
    }
}
