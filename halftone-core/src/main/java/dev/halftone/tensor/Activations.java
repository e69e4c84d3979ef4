package dev.halftone.tensor;

import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Activations of many sequences at one place of a model, float32 (tokens, channels), outside the Java heap: in memory, or in
 * a temporary file where they would take too much of it. Different rows may be written by different threads.
 */
public final class Activations implements AutoCloseable {
    private static final long PIECE = 4096;

    /** Bytes of one write. */
    private static final long CHUNK = 1 << 24;

    private final long rows;
    private final int columns;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    /** In memory, or in a file of the directory where they are large. */
    public Activations(long rows, int columns, Path directory) {
        this(rows, columns, Spill.large(directory));
    }

    /** In memory or in a file. */
    public Activations(long rows, int columns, Spill spill) {
        this.rows = rows;
        this.columns = columns;
        long bytes = Math.multiplyExact(rows, (long) columns * Float.BYTES);
        this.memory = spill.inMemory(bytes) ? arena.allocate(bytes, 64) : map(spill.directory(), bytes, arena);
    }

    private static MemorySegment map(Path spill, long bytes, Arena arena) {
        try {
            Files.createDirectories(spill);
            Path file = Files.createTempFile(spill, "activations", ".f32");
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
            } finally {
                // The mapping keeps the space until it is closed; a killed run leaves nothing behind.
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-501",
                    spill.toString(),
                    "no room for %d bytes of activations: %s".formatted(bytes, e),
                    "use fewer --samples");
        }
    }

    public long rows() {
        return rows;
    }

    public int columns() {
        return columns;
    }

    /** Rows {@code from} (inclusive) to {@code to} (exclusive) as a tensor over this memory; writes go through. */
    public Tensor view(long from, long to) {
        long rowBytes = (long) columns * Float.BYTES;
        return Tensors.over(
                memory.asSlice(from * rowBytes, (to - from) * rowBytes), ScalarType.Float, to - from, columns);
    }

    /**
     * Parts of rows, one after the other, in a copy that the caller closes.
     *
     * @param rows which ones
     * @param from the first column of each
     * @param width columns of each
     */
    public Activations picked(int[] rows, int[] from, int width, Spill spill) {
        Activations copy = new Activations(rows.length, width, spill);
        long bytes = (long) width * Float.BYTES;
        for (int i = 0; i < rows.length; i++) {
            long at = ((long) rows[i] * columns + from[i]) * Float.BYTES;
            MemorySegment.copy(memory, at, copy.memory, i * bytes, bytes);
        }
        return copy;
    }

    /** Takes the numbers of activations of the same shape. */
    public void copyFrom(Activations other) {
        memory.copyFrom(other.memory);
    }

    /** A copy in which each channel is divided by its own number; the caller closes it. */
    public Activations dividedBy(float[] channels, Spill spill, Workers workers) {
        Activations copy = new Activations(rows, columns, spill);
        int pieces = Math.toIntExact(Math.ceilDiv(rows, PIECE));
        workers.forEach(pieces, piece -> {
            long from = piece * PIECE;
            long to = Math.min(rows, from + PIECE);
            copy.view(from, to).copy_(view(from, to).div(Tensors.of(channels, columns)));
        });
        return copy;
    }

    /** Mean over all numbers of the squared difference; sums in float64, in the order of the rows. */
    public double meanSquaredDifference(Activations other, Workers workers) {
        int pieces = Math.toIntExact(Math.ceilDiv(rows, PIECE));
        double[] sums = new double[pieces];
        workers.forEach(pieces, piece -> {
            long from = piece * PIECE;
            long to = Math.min(rows, from + PIECE);
            sums[piece] = view(from, to)
                    .sub(other.view(from, to))
                    .square_()
                    .sum(new ScalarTypeOptional(ScalarType.Double))
                    .item_double();
        });
        double sum = 0;
        for (double part : sums) {
            sum += part;
        }
        return sum / ((double) rows * columns);
    }

    /** Writes all numbers, row-major float32, little-endian. */
    public void save(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(
                file, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            for (long at = 0; at < memory.byteSize(); at += CHUNK) {
                ByteBuffer part = memory.asSlice(at, Math.min(CHUNK, memory.byteSize() - at))
                        .asByteBuffer();
                while (part.hasRemaining()) {
                    channel.write(part);
                }
            }
        }
    }

    /** Reads what {@link #save} wrote; the file must have exactly this size. */
    public void restore(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            if (channel.size() != memory.byteSize()) {
                throw new IOException(file + " has " + channel.size() + " bytes; expected " + memory.byteSize());
            }
            for (long at = 0; at < memory.byteSize(); at += CHUNK) {
                ByteBuffer part = memory.asSlice(at, Math.min(CHUNK, memory.byteSize() - at))
                        .asByteBuffer();
                while (part.hasRemaining()) {
                    if (channel.read(part) < 0) {
                        throw new IOException(file + " became shorter while it was read");
                    }
                }
            }
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
