package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Values decoded to float32 as a tensor of the compute type. */
public final class Weights {
    /** Decodes a row of a matrix into the start of an array. */
    @FunctionalInterface
    public interface Rows {
        void decode(int row, float[] target);
    }

    private Weights() {}

    /** The same of a matrix (out, in) that is decoded row by row. */
    public static Tensor of(int out, int in, ComputeType type, Arena arena, Rows rows) {
        return of(new long[] {out, in}, type, arena, memory -> {
            float[] row = new float[in];
            for (int i = 0; i < out; i++) {
                rows.decode(i, row);
                MemorySegment.copy(row, 0, memory, ValueLayout.JAVA_FLOAT, (long) i * in * Float.BYTES, in);
            }
        });
    }

    /**
     * @param arena owns the memory of a float32 tensor; a tensor of another type owns its own
     * @param decode puts the values, row-major, into the memory it is given
     */
    public static Tensor of(long[] shape, ComputeType type, Arena arena, Consumer<MemorySegment> decode) {
        long bytes = Float.BYTES;
        for (long size : shape) {
            bytes = Math.multiplyExact(bytes, size);
        }
        return switch (type) {
            case FLOAT32 -> Tensors.over(decoded(bytes, arena, decode), ScalarType.Float, shape);
            case BFLOAT16 -> {
                try (Arena passing = Arena.ofShared()) {
                    MemorySegment decoded = decoded(bytes, passing, decode);
                    yield Torch.scoped(
                            () -> Tensors.over(decoded, ScalarType.Float, shape).to(ScalarType.BFloat16));
                }
            }
        };
    }

    private static MemorySegment decoded(long bytes, Arena arena, Consumer<MemorySegment> decode) {
        MemorySegment memory = arena.allocate(bytes, 64);
        decode.accept(memory);
        return memory;
    }
}
