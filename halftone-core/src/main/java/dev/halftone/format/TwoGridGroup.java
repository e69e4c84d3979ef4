package dev.halftone.format;

import dev.halftone.error.InputException;

/**
 * AdpQ's format: two grids of the same bits in each group, one for its outliers and one for the rest, and a list of which are which.
 *
 * @param grid of both; FP16 scales, groups of 2 to 255 inputs of a row, mode affine or sym
 */
public record TwoGridGroup(IntGroup grid) implements StoredFormat {
    /** What a count of 8 bits can say. */
    private static final int MOST = 255;

    public TwoGridGroup {
        boolean mode = grid.mode() == GridMode.AFFINE || grid.mode() == GridMode.SYM;
        if (!mode
                || grid.group() < 2
                || grid.group() > MOST
                || grid.rows() != 1
                || grid.reordered()
                || grid.scale() != ScaleType.F16) {
            throw new InputException(
                    "HT-722",
                    "",
                    "two grids of %s; expected mode affine or sym, fp16 scales and groups of 2 to %d inputs"
                            .formatted(grid.label(), MOST),
                    "see docs/solvers.md");
        }
    }

    /** Bits of the place of an outlier in its group. */
    int placeBits() {
        return Integer.SIZE - Integer.numberOfLeadingZeros(grid.group() - 1);
    }

    /** "int4 affine g128, two grids". */
    @Override
    public String label() {
        return grid.label() + ", two grids";
    }
}
