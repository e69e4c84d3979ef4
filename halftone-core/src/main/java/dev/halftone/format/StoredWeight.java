package dev.halftone.format;

import java.util.List;

/** A weight (out, in) as a packed checkpoint holds it. */
public sealed interface StoredWeight
        permits PackedWeight, OutlierWeight, BilevelWeight, TwoGridWeight, CodebookWeight, TurnedWeight {
    StoredFormat format();

    int out();

    int in();

    /** Bytes of all its tensors. */
    long byteSize();

    /** Decodes row {@code row} into {@code target} from {@code at} on. */
    void decodeRow(int row, float[] target, int at);

    /** The tensors that hold it. */
    List<StoredPart> parts(String weight);

    /** Stored bits per weight. */
    default double bitsPerWeight() {
        return 8.0 * byteSize() / ((double) out() * in());
    }

    /** All values, (out, in). */
    default float[] decode() {
        float[] values = new float[Math.multiplyExact(out(), in())];
        for (int row = 0; row < out(); row++) {
            decodeRow(row, values, row * in());
        }
        return values;
    }
}
