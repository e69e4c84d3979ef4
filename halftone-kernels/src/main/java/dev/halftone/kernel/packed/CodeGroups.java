package dev.halftone.kernel.packed;

/**
 * Integer codes in groups of columns of a row: a weight is scale (code - zero) + minimum.
 *
 * @param bits 1 to 8; codes of 1 and of 7 bits are stored as those of 2 and of 8
 * @param group columns of a group, a multiple of 32, or of 16 where bits are 1, 2, 4 or 6; the last group of a row may be shorter
 * @param zero the unsigned code that stands for 0 in all groups, at most 2^bits; groups with zero points of their own have 0 here, and
 *     minima of -scale times zero point
 * @param scales (rows, groups)
 * @param minima likewise, or none at all
 */
public record CodeGroups(int bits, int rows, int columns, int group, int zero, float[] scales, float[] minima) {
    public CodeGroups {
        Layouts.checkShape(rows, columns);
        if (bits < 1 || bits > 8 || zero < 0 || zero > 1 << bits) {
            throw new IllegalArgumentException("codes of %d bits around %d".formatted(bits, zero));
        }
        CodeWidth width = CodeWidth.of(bits);
        if (group < 1 || group % (width.halves() ? CodeWidth.BLOCK / 2 : CodeWidth.BLOCK) != 0) {
            throw new IllegalArgumentException("groups of %d columns with codes of %d bits".formatted(group, bits));
        }
        long numbers = (long) rows * Math.ceilDiv(columns, group);
        if (scales.length != numbers || (minima.length != 0 && minima.length != numbers)) {
            throw new IllegalArgumentException("%d scales for %d groups".formatted(scales.length, numbers));
        }
    }

    /** Reads the unsigned codes of a row, one for each column; called from several threads if the packing is spread over them. */
    @FunctionalInterface
    public interface Codes {
        void read(int row, int[] codes);
    }
}
