package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A scalar grid: what codes of a few bits stand for before they are multiplied by the scale of their group. */
public sealed interface Elements permits FloatElements, IntElements, Codebook {
    /** The name in files: "e2m1", "int4", "nf4". */
    String title();

    /** Bits per code, 1 to 8. */
    int bits();

    /** Largest magnitude: where an unclipped group puts its own. */
    float largest();

    /** floor(log2) of the largest magnitude; that of MXINT8 by its specification. */
    default int exponent() {
        return Math.getExponent(largest());
    }

    /**
     * The code of the nearest value; magnitudes beyond the largest have its code.
     *
     * @throws IllegalArgumentException for NaN, if the grid has none
     */
    int code(float x);

    /** The value of a code. */
    float value(int code);

    /** True if a file has to store the values, because no name stands for them. */
    default boolean storesLevels() {
        return false;
    }

    /** The grid that a file names. */
    static Optional<Elements> titled(String title) {
        return Stream.<Elements>concat(
                        Stream.concat(Arrays.stream(FloatElements.values()), Arrays.stream(IntElements.values())),
                        Stream.of(Codebook.NF4))
                .filter(elements -> elements.title().equals(title))
                .findFirst();
    }

    /**
     * A grid of these values.
     *
     * @throws InputException HT-412
     */
    static Elements of(List<Float> levels) {
        return new Codebook(Codebook.OWN, levels);
    }
}
