package dev.halftone.format;

import java.util.List;

/** A weight (out, in) that is stored as its transpose (in, out): the tensors are those of the transpose. */
public record TurnedWeight(PackedWeight turned) implements StoredWeight {
    @Override
    public TurnedFormat format() {
        return new TurnedFormat(turned.format());
    }

    @Override
    public int out() {
        return turned.in();
    }

    @Override
    public int in() {
        return turned.out();
    }

    @Override
    public long byteSize() {
        return turned.byteSize();
    }

    @Override
    public void decodeRow(int row, float[] target, int at) {
        for (int j = 0; j < in(); j++) {
            target[at + j] = turned.value(j, row);
        }
    }

    /** All at once: row by row the transpose would be read against its grain. */
    @Override
    public float[] decode() {
        float[] transposed = turned.decode();
        float[] values = new float[transposed.length];
        for (int input = 0; input < in(); input++) {
            for (int row = 0; row < out(); row++) {
                values[row * in() + input] = transposed[input * out() + row];
            }
        }
        return values;
    }

    @Override
    public List<StoredPart> parts(String weight) {
        return turned.parts(weight);
    }
}
