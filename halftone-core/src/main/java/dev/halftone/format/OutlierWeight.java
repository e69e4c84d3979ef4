package dev.halftone.format;

import java.util.ArrayList;
import java.util.List;

/**
 * Dense codes and sparse outliers: value = what the code stands for + the outlier of that place, 0 for most.
 *
 * <p>Shared by all methods that keep some weights in 16 bits (SpQR, GWQ, QuantEase's variants, GOBO, magnitude and random choices).
 */
public record OutlierWeight(StoredWeight dense, Outliers outliers) implements StoredWeight {
    public OutlierWeight {
        if (dense.out() != outliers.out()) {
            throw new IllegalArgumentException("outliers of %d rows for %d".formatted(outliers.out(), dense.out()));
        }
    }

    @Override
    public OutlierFormat format() {
        return new OutlierFormat(dense.format(), outliers.placement());
    }

    @Override
    public int out() {
        return dense.out();
    }

    @Override
    public int in() {
        return dense.in();
    }

    @Override
    public long byteSize() {
        return dense.byteSize() + outliers.byteSize();
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        dense.decodeRow(row, target, at);
        outliers.add(row, target, at);
    }

    @Override
    public List<StoredPart> parts(String weight) {
        List<StoredPart> parts = new ArrayList<>(dense.parts(weight));
        parts.addAll(outliers.parts(weight));
        return parts;
    }
}
