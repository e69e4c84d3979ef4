package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.model.CheckpointWeights;
import dev.halftone.model.WeightSource;
import dev.halftone.model.Weights;
import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.pytorch.Tensor;

/** The weights of a packed checkpoint: packed ones are decoded on the way, the others are read as they are. */
final class PackedWeights implements WeightSource {
    private final WeightSource plain;
    private final Map<String, PackedWeight> packed = new TreeMap<>();

    PackedWeights(Checkpoint checkpoint, String place) {
        this.plain = new CheckpointWeights(checkpoint);
        PackedLayout.formats(checkpoint.config(), place)
                .forEach((weight, format) -> packed.put(weight, PackedLayout.read(checkpoint, weight, format)));
    }

    /** Weights that another tool has packed. */
    PackedWeights(Checkpoint checkpoint, Map<String, PackedWeight> packed) {
        this.plain = new CheckpointWeights(checkpoint);
        this.packed.putAll(packed);
    }

    /** The packed weights. */
    Map<String, PackedWeight> packed() {
        return packed;
    }

    @Override
    public boolean has(String name) {
        return packed.containsKey(name) || plain.has(name);
    }

    @Override
    public long[] shape(String name) {
        PackedWeight weight = packed.get(name);
        return weight == null ? plain.shape(name) : new long[] {weight.out(), weight.in()};
    }

    @Override
    public boolean packed(String name) {
        return packed.containsKey(name);
    }

    @Override
    public long storedBytes(String name) {
        PackedWeight weight = packed.get(name);
        return weight == null ? plain.storedBytes(name) : weight.byteSize();
    }

    @Override
    public String storedType(String name) {
        PackedWeight weight = packed.get(name);
        return weight == null ? plain.storedType(name) : weight.format().label();
    }

    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        PackedWeight weight = packed.get(name);
        if (weight == null) {
            return plain.load(name, type, arena);
        }
        MemorySegment decoded = arena.allocate((long) weight.out() * weight.in() * Float.BYTES, 64);
        float[] row = new float[weight.in()];
        for (int i = 0; i < weight.out(); i++) {
            weight.decodeRow(i, row, 0);
            MemorySegment.copy(
                    row, 0, decoded, ValueLayout.JAVA_FLOAT, (long) i * row.length * Float.BYTES, row.length);
        }
        return Weights.of(decoded, shape(name), type);
    }
}
