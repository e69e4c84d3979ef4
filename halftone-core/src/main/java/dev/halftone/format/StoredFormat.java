package dev.halftone.format;

/**
 * What a packed weight is stored as: one scalar format ({@link NumberFormat}), or one with something beside or around it. Solvers round
 * on the grids of number formats; which of the others comes out is theirs to say.
 */
public sealed interface StoredFormat
        permits NumberFormat, OutlierFormat, BilevelGroup, TwoGridGroup, CodebookFormat, TurnedFormat {
    /** The name in reports. */
    String label();
}
