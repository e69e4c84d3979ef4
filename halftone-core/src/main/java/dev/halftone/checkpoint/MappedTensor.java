package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A tensor in a mapped file. Decoding is safe from several threads at once: scratch memory belongs to the call. */
final class MappedTensor implements StoredTensor {
    /** Elements decoded at a time: input, output and scratch of a step stay in the first-level cache or near it. */
    static final int CHUNK = 4096;

    /** Bytes of the mapping that a scan gives back at a time. */
    private static final long RELEASE = 8L << 20;

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final String name;
    private final Encoding encoding;
    private final long[] shape;
    private final long elements;
    private final MemorySegment bytes;
    private final RowOrder order;

    /** The shape was checked: its product fits a long and matches the size of {@code bytes}. */
    MappedTensor(String name, Encoding encoding, long[] shape, MemorySegment bytes, RowOrder order) {
        this.name = name;
        this.encoding = encoding;
        this.shape = shape;
        this.elements = product(shape, shape.length);
        this.bytes = bytes.asReadOnly();
        this.order = order;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String type() {
        return encoding.type();
    }

    @Override
    public long[] shape() {
        return shape.clone();
    }

    @Override
    public long elements() {
        return elements;
    }

    @Override
    public long byteSize() {
        return bytes.byteSize();
    }

    @Override
    public MemorySegment bytes() {
        return bytes;
    }

    @Override
    public boolean mustDecode() {
        return order.heads() > 0;
    }

    @Override
    public long rows() {
        return shape.length < 2 ? 1 : product(shape, shape.length - 1);
    }

    @Override
    public long columns() {
        return shape.length == 0 ? 1 : shape[shape.length - 1];
    }

    @Override
    public Optional<MemorySegment> outputRows() {
        if (!mustDecode() || shape.length != 2) {
            return Optional.of(bytes);
        }
        long size = bytes.byteSize() / rows();
        MemorySegment ordered = MemorySegment.ofArray(new byte[Math.toIntExact(bytes.byteSize())]);
        for (long row = 0; row < rows(); row++) {
            MemorySegment.copy(bytes, order.fileRow(row, rows()) * size, ordered, row * size, size);
        }
        return Optional.of(ordered);
    }

    @Override
    public void decode(long from, long to, MemorySegment target) {
        Objects.checkFromToIndex(from, to, rows());
        BlockDecoder decoder = requireDecoder();
        if (elements == 0) {
            return;
        }
        long columns = columns();
        long needed = (to - from) * columns * Float.BYTES;
        if (target.byteSize() < needed) {
            throw new IllegalArgumentException("%s: %d bytes needed for rows %d to %d, the target has %d"
                    .formatted(name, needed, from, to, target.byteSize()));
        }
        Scratch scratch = new Scratch(encoding, encoding.isFloat32() ? 0 : (to - from) * columns);
        if (!mustDecode()) {
            decodeRun(decoder, from * columns, (to - from) * columns, target, 0, scratch);
        } else if (shape.length < 2) {
            decodeVector(decoder, target, scratch);
        } else {
            for (long row = from; row < to; row++) {
                decodeRun(
                        decoder,
                        order.fileRow(row, rows()) * columns,
                        columns,
                        target,
                        (row - from) * columns,
                        scratch);
            }
        }
    }

    /** A bias of q or k: its elements are in the order of the weight's rows. */
    private void decodeVector(BlockDecoder decoder, MemorySegment target, Scratch scratch) {
        float[] inFileOrder = new float[Math.toIntExact(elements)];
        decodeRun(decoder, 0, elements, MemorySegment.ofArray(inFileOrder), 0, scratch);
        for (int i = 0; i < inFileOrder.length; i++) {
            target.set(FLOAT, (long) i * Float.BYTES, inFileOrder[(int) order.fileRow(i, elements)]);
        }
    }

    /** Decodes elements that are neighbours in the file; both ends lie on block borders. */
    private void decodeRun(
            BlockDecoder decoder, long first, long count, MemorySegment target, long targetAt, Scratch scratch) {
        if (encoding.isFloat32()) {
            MemorySegment.copy(bytes, first * Float.BYTES, target, targetAt * Float.BYTES, count * Float.BYTES);
            return;
        }
        for (long done = 0; done < count; done += scratch.floats.length) {
            int n = (int) Math.min(scratch.floats.length, count - done);
            decodeChunk(decoder, first + done, n, scratch);
            MemorySegment.copy(scratch.floats, 0, target, FLOAT, (targetAt + done) * Float.BYTES, n);
        }
    }

    private void decodeChunk(BlockDecoder decoder, long first, int count, Scratch scratch) {
        int blocks = count / encoding.blockElements();
        long at = first / encoding.blockElements() * encoding.blockBytes();
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, scratch.bytes, 0, blocks * encoding.blockBytes());
        decoder.decode(scratch.bytes, scratch.floats, blocks);
    }

    /** Elements that are encoded together; a row is a whole number of them. */
    int blockElements() {
        return encoding.blockElements();
    }

    /** Decodes elements that are neighbours in the file; {@code first} and {@code count} are multiples of the block. */
    void decodeElements(long first, long count, MemorySegment target) {
        decodeRun(requireDecoder(), first, count, target, 0, new Scratch(encoding, encoding.isFloat32() ? 0 : count));
    }

    /** The same bytes under another name and row order. */
    MappedTensor as(String otherName, RowOrder otherOrder) {
        return new MappedTensor(otherName, encoding, shape, bytes, otherOrder);
    }

    /**
     * Visits all values in the order of the file, a bounded number at a time, and gives the memory of what was visited back to the
     * operating system: a look at a file takes no more memory than a look at a part of it.
     */
    void forEachChunk(ChunkVisitor visitor) {
        BlockDecoder decoder = requireDecoder();
        Scratch scratch = new Scratch(encoding, elements);
        long released = 0;
        for (long done = 0; done < elements; done += scratch.floats.length) {
            int n = (int) Math.min(scratch.floats.length, elements - done);
            decodeChunk(decoder, done, n, scratch);
            visitor.visit(done, scratch.floats, n);
            long end = (done + n) / encoding.blockElements() * encoding.blockBytes();
            if (end - released >= RELEASE || done + n == elements) {
                release(released, end);
                released = end;
            }
        }
    }

    private void release(long from, long to) {
        if (bytes.isMapped()) {
            bytes.asSlice(from, to - from).unload();
        }
    }

    /** The row, in Hugging Face order, that the file keeps as its {@code fileRow}-th. */
    long rowOf(long fileRow) {
        return mustDecode() && shape.length > 1 ? order.rowOf(fileRow, rows()) : fileRow;
    }

    private BlockDecoder requireDecoder() {
        BlockDecoder decoder = encoding.decoder();
        if (decoder == null) {
            throw Findings.error(
                    "HT-218",
                    name,
                    "type " + encoding.type() + " cannot be decoded to float32",
                    "use a checkpoint that stores this tensor in F32, F16, BF16 or an integer type");
        }
        return decoder;
    }

    private static long product(long[] shape, int dimensions) {
        long product = 1;
        for (int i = 0; i < dimensions; i++) {
            product *= shape[i];
        }
        return product;
    }

    /** What the scan of a tensor does with its values. */
    @FunctionalInterface
    interface ChunkVisitor {
        /** The values of elements {@code first} to {@code first + count}, in the order of the file. */
        void visit(long first, float[] values, int count);
    }

    /** How elements are stored. Decoder null: known by size only. */
    record Encoding(
            String type,
            int blockElements,
            int blockBytes,
            @Nullable BlockDecoder decoder) {
        static Encoding of(GgufType type) {
            return new Encoding(type.name(), type.blockElements(), type.blockBytes(), type.decoder());
        }

        static Encoding of(SafetensorsDtype dtype) {
            return switch (dtype.bits()) {
                case 4 -> new Encoding(dtype.name(), 2, 1, dtype.decoder());
                case 6 -> new Encoding(dtype.name(), 4, 3, dtype.decoder());
                default -> new Encoding(dtype.name(), 1, dtype.bits() / 8, dtype.decoder());
            };
        }

        boolean isFloat32() {
            return type.equals("F32");
        }
    }

    /**
     * The row order of a file. GGUF's llama keeps the rows of q and k with the two halves of every head interleaved (for the
     * rotary embedding of pairs): file row 2i + p of a head is Hugging Face row p * size / 2 + i.
     *
     * @param heads number of heads whose rows are interleaved; 0: rows are in Hugging Face order
     */
    record RowOrder(int heads) {
        static final RowOrder SAME = new RowOrder(0);

        long fileRow(long row, long rows) {
            long size = rows / heads;
            long half = size / 2;
            long inHead = row % size;
            return row - inHead + 2 * (inHead % half) + inHead / half;
        }

        long rowOf(long fileRow, long rows) {
            long size = rows / heads;
            long inHead = fileRow % size;
            return fileRow - inHead + inHead % 2 * (size / 2) + inHead / 2;
        }
    }

    private static final class Scratch {
        private final byte[] bytes;
        private final float[] floats;

        Scratch(Encoding encoding, long elements) {
            int n = (int) Math.min(CHUNK, elements);
            floats = new float[n];
            bytes = new byte[n / encoding.blockElements() * encoding.blockBytes()];
        }
    }
}
