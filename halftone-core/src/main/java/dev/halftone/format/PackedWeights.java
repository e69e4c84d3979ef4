package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.model.CheckpointWeights;
import dev.halftone.model.WeightSource;
import dev.halftone.model.Weights;
import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/** The weights of a packed checkpoint: packed ones are decoded on the way, the others are read as they are. */
final class PackedWeights implements WeightSource {
    private final WeightSource plain;
    private final Map<String, StoredWeight> packed = new TreeMap<>();
    private final Map<String, BlockWeight> blocks;

    PackedWeights(Checkpoint checkpoint, String place) {
        this.plain = new CheckpointWeights(checkpoint);
        PackedLayout.formats(checkpoint.config(), place)
                .forEach((weight, format) -> packed.put(weight, PackedLayout.read(checkpoint, weight, format)));
        this.blocks = PackedBlocks.read(checkpoint, place);
    }

    /** The weights in blocks of GGUF types. */
    Map<String, BlockWeight> blocks() {
        return blocks;
    }

    /** Weights that another tool has packed. */
    PackedWeights(Checkpoint checkpoint, Map<String, PackedWeight> packed) {
        this.plain = new CheckpointWeights(checkpoint);
        this.packed.putAll(packed);
        this.blocks = Map.of();
    }

    /** The packed weights. */
    Map<String, StoredWeight> packed() {
        return packed;
    }

    @Override
    public boolean has(String name) {
        return packed(name) || plain.has(name);
    }

    @Override
    public long[] shape(String name) {
        StoredWeight weight = packed.get(name);
        BlockWeight block = blocks.get(name);
        if (block != null) {
            return new long[] {block.out(), block.in()};
        }
        return weight == null ? plain.shape(name) : new long[] {weight.out(), weight.in()};
    }

    @Override
    public boolean packed(String name) {
        return packed.containsKey(name) || blocks.containsKey(name);
    }

    @Override
    public long storedBytes(String name) {
        StoredWeight weight = packed.get(name);
        BlockWeight block = blocks.get(name);
        if (block != null) {
            return block.bytes().byteSize();
        }
        return weight == null ? plain.storedBytes(name) : weight.byteSize();
    }

    @Override
    public String storedType(String name) {
        StoredWeight weight = packed.get(name);
        BlockWeight block = blocks.get(name);
        if (block != null) {
            return block.layout().name();
        }
        return weight == null ? plain.storedType(name) : weight.format().label();
    }

    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        StoredWeight weight = packed.get(name);
        BlockWeight block = blocks.get(name);
        if (block != null) {
            return Weights.of(block.out(), block.in(), type, arena, block::decodeRow);
        }
        return weight == null
                ? plain.load(name, type, arena)
                : Weights.of(weight.out(), weight.in(), type, arena, rows(weight));
    }

    private static Weights.Rows rows(StoredWeight weight) {
        return switch (weight) {
            case PackedWeight _, OutlierWeight _, BilevelWeight _, CodebookWeight _ ->
                (row, target) -> weight.decodeRow(row, target, 0);
            case TurnedWeight _, TwoGridWeight _ -> {
                // Their rows begin nowhere in particular.
                float[] values = weight.decode();
                yield (row, target) -> System.arraycopy(values, row * target.length, target, 0, target.length);
            }
        };
    }
}
