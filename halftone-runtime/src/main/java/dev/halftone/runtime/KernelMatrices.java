package dev.halftone.runtime;

import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.kernel.packed.BlockType;
import dev.halftone.kernel.packed.PackedMatrices;
import dev.halftone.kernel.packed.PackedMatrix;
import dev.halftone.kernel.packed.StoredMatrix;
import dev.halftone.kernel.packed.TileLoop;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The kernels of {@code dev.halftone.kernel.packed}: a layout that they know is repacked as it is, with the same codes and scales; what they
 * do not know is multiplied in float32, and counted in the description.
 */
final class KernelMatrices implements MatrixFactory {
    private final Arena arena = Arena.ofShared();
    private final Map<String, Integer> counts = new TreeMap<>();

    /** What the kernels read: bytes of a type they know, and what that type is called in reports. */
    private record Known(BlockType type, MemorySegment bytes) {}

    @Override
    public PackedMatrix matrix(ModelMatrix weight) {
        Optional<Known> known = known(weight);
        if (known.isPresent()) {
            return repacked(weight, known.get(), known.get().type().name());
        }
        if (weight instanceof ModelMatrix.Packed(String _, StoredWeight packed)) {
            Optional<StoredMatrix> codes = PackedCodes.matrix(packed, arena);
            if (codes.isPresent()) {
                count(packed.format().label());
                return codes.get();
            }
        }
        return float32(weight);
    }

    private PackedMatrix float32(ModelMatrix weight) {
        try (Arena passing = Arena.ofConfined()) {
            MemorySegment values = passing.allocate((long) weight.rows() * weight.columns() * Float.BYTES, 64);
            float[] row = new float[weight.columns()];
            for (int i = 0; i < weight.rows(); i++) {
                weight.decodeRow(i, row);
                MemorySegment.copy(
                        row, 0, values, ValueLayout.JAVA_FLOAT, (long) i * row.length * Float.BYTES, row.length);
            }
            return repacked(weight, new Known(BlockType.F32, values), storedAs(weight) + " in F32");
        }
    }

    private PackedMatrix repacked(ModelMatrix weight, Known known, String label) {
        count(label);
        PackedMatrix matrix = PackedMatrices.ofBlocks(
                known.type(), known.bytes(), weight.rows(), weight.columns(), arena, TileLoop.SEQUENTIAL);
        if (known.bytes().isMapped()) {
            // The file's bytes were read once: they should not count as memory beside the repacked ones.
            known.bytes().unload();
        }
        return matrix;
    }

    private void count(String label) {
        synchronized (counts) {
            counts.merge(label, 1, Integer::sum);
        }
    }

    private static Optional<Known> known(ModelMatrix weight) {
        return switch (weight) {
            case ModelMatrix.Blocks(String _, BlockWeight blocks) ->
                type(blocks.layout().name()).map(type -> new Known(type, blocks.bytes()));
            case ModelMatrix.Plain(String _, StoredTensor tensor) ->
                tensor.mustDecode()
                        ? Optional.empty()
                        : type(tensor.type()).map(type -> new Known(type, tensor.bytes()));
            case ModelMatrix.Packed _, ModelMatrix.Values _ -> Optional.empty();
        };
    }

    private static Optional<BlockType> type(String name) {
        return Arrays.stream(BlockType.values())
                .filter(type -> type.name().equals(name))
                .findFirst();
    }

    private static String storedAs(ModelMatrix weight) {
        return switch (weight) {
            case ModelMatrix.Blocks blocks -> blocks.weight().layout().name();
            case ModelMatrix.Packed packed -> packed.weight().format().label();
            case ModelMatrix.Plain plain -> plain.tensor().type();
            case ModelMatrix.Values _ -> "transposed";
        };
    }

    @Override
    public String description() {
        synchronized (counts) {
            return PackedMatrices.provider()
                    + counts.entrySet().stream()
                            .map(entry -> entry.getValue() + " " + entry.getKey())
                            .collect(Collectors.joining(", ", " (", ")"));
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
