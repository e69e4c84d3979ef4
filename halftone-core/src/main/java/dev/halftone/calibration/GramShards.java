package dev.halftone.calibration;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * H of activations that are never together in one process. Each shard writes the products that {@link GramService} would make of
 * it, and they are added in the order of the shards: the same H to the last bit, if every shard but the last holds a whole number
 * of products' tokens, as {@link #cut} sees to.
 *
 * <p>A file: of each product the upper triangle, row by row, float32 in the machine's byte order.
 */
public final class GramShards {
    private final GramSum sum;

    /** @param size inputs of the linear */
    public GramShards(int size) {
        this.sum = new GramSum(size);
    }

    /** Sequences in the smallest shards that there can be, in their order. */
    public static List<List<int[]>> cut(List<int[]> sequences) {
        List<List<int[]>> shards = new ArrayList<>();
        List<int[]> shard = new ArrayList<>();
        long tokens = 0;
        for (int[] sequence : sequences) {
            shard.add(sequence);
            tokens += sequence.length;
            if (tokens % GramService.TOKENS == 0) {
                shards.add(shard);
                shard = new ArrayList<>();
            }
        }
        if (!shard.isEmpty()) {
            shards.add(shard);
        }
        return shards;
    }

    /** Bytes of the products of so many tokens. */
    public static long bytes(int size, long tokens) {
        return Math.ceilDiv(tokens, GramService.TOKENS) * triangle(size);
    }

    private static long triangle(int size) {
        return (long) size * (size + 1) / 2 * Float.BYTES;
    }

    /**
     * Writes a shard's products.
     *
     * @param activations (tokens, size)
     */
    public static void write(Path file, Activations activations, Workers workers) throws IOException {
        int size = activations.columns();
        int products = Math.toIntExact(Math.ceilDiv(activations.rows(), GramService.TOKENS));
        try (FileChannel channel = FileChannel.open(
                        file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
                Arena arena = Arena.ofShared()) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_WRITE, 0, products * triangle(size), arena);
            workers.forEach(products, i -> {
                Tensor product = Torch.owned(() -> GramService.product(activations, i));
                copyTriangle(Tensors.memory(product), size, mapped.asSlice(i * triangle(size), triangle(size)));
                product.close();
            });
        }
    }

    private static void copyTriangle(MemorySegment square, int size, MemorySegment triangle) {
        long to = 0;
        for (int i = 0; i < size; i++) {
            long bytes = (long) (size - i) * Float.BYTES;
            MemorySegment.copy(square, ((long) i * size + i) * Float.BYTES, triangle, to, bytes);
            to += bytes;
        }
    }

    /** Adds the next shard. */
    public void add(Path file) throws IOException {
        int size = sum.size();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
                Arena arena = Arena.ofConfined()) {
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            for (long from = 0; from < mapped.byteSize(); from += triangle(size)) {
                long at = from;
                for (int i = 0; i < size; i++) {
                    long bytes = (long) (size - i) * Float.BYTES;
                    sum.addRow(i, mapped.asSlice(at, bytes));
                    at += bytes;
                }
            }
        }
    }

    /** H, of so many tokens. */
    public Gram mean(long tokens) {
        return new Gram(sum.size(), tokens, sum.mean(tokens));
    }
}
