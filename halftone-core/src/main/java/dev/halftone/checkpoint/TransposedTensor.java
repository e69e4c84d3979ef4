package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Optional;

/**
 * A matrix whose file keeps the transposed one: GGUF stores the linears of GPT-2 as (out, in), and the Hugging Face layout as
 * (in, out). A row here is a column of the file, so that a range of rows costs that range of every file row, widened to whole
 * blocks.
 */
final class TransposedTensor implements StoredTensor {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final MappedTensor file;

    /** {@code file} has two dimensions, and its rows in the order of the file. */
    TransposedTensor(MappedTensor file) {
        if (file.shape().length != 2 || file.mustDecode()) {
            throw new IllegalArgumentException(file.name() + " is no plain matrix");
        }
        this.file = file;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public String type() {
        return file.type();
    }

    @Override
    public long[] shape() {
        return new long[] {rows(), columns()};
    }

    @Override
    public long elements() {
        return file.elements();
    }

    @Override
    public long byteSize() {
        return file.byteSize();
    }

    @Override
    public MemorySegment bytes() {
        return file.bytes();
    }

    @Override
    public boolean mustDecode() {
        return true;
    }

    @Override
    public Optional<MemorySegment> outputRows() {
        return Optional.of(file.bytes());
    }

    @Override
    public long rows() {
        return file.columns();
    }

    @Override
    public long columns() {
        return file.rows();
    }

    @Override
    public void decode(long from, long to, MemorySegment target) {
        Objects.checkFromToIndex(from, to, rows());
        int block = file.blockElements();
        long first = from / block * block;
        int count = Math.toIntExact((to - first + block - 1) / block * block); // file rows are whole blocks
        MemorySegment part = MemorySegment.ofArray(new float[count]);
        for (long column = 0; column < columns() && to > from; column++) {
            file.decodeElements(column * rows() + first, count, part);
            for (long row = from; row < to; row++) {
                float value = part.get(FLOAT, (row - first) * Float.BYTES);
                target.set(FLOAT, ((row - from) * columns() + column) * Float.BYTES, value);
            }
        }
    }
}
