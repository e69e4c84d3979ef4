package dev.halftone.format;

/** Dense codes, and numbers that are added to what some of them stand for ({@link Outliers}). */
public record OutlierFormat(StoredFormat dense, Outliers.Placement placement) implements StoredFormat {
    public OutlierFormat {
        if (dense instanceof OutlierFormat) {
            throw new IllegalArgumentException("outliers twice: " + dense.label());
        }
    }

    /** "int3 g64 asymmetric + outlier weights". */
    @Override
    public String label() {
        return dense.label() + " + outlier " + placement.title();
    }
}
