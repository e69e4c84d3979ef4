package dev.halftone.discrete.fir;

import dev.halftone.error.InputException;

/**
 * Frequencies that a filter lets through or stops.
 *
 * @param low lower end, 1 is half the sampling rate; likewise {@code high}
 * @param pass the response should be 1 and not 0
 */
public record Band(double low, double high, boolean pass) {
    public Band {
        if (!(low >= 0 && low < high && high <= 1)) {
            throw new InputException(
                    "HT-762",
                    "band",
                    "%s to %s; expected 0 <= low < high <= 1".formatted(low, high),
                    "1 is half the sampling rate");
        }
    }

    /** What the response should be. */
    public double target() {
        return pass ? 1 : 0;
    }

    double width() {
        return high - low;
    }
}
