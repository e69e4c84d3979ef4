package dev.halftone.recipe;

import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.StoredPart;
import dev.halftone.format.gguf.BlockBytes;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.format.gguf.RowQuantizer;
import dev.halftone.model.WeightSource;
import dev.halftone.model.Weights;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/**
 * Embedding and head in blocks of GGUF types, rounded as llama-quantize rounds them without importance, and before the first
 * block: the calibration sequences begin with the embedding that the file will have.
 */
final class OuterBlocks {
    /** Rows that are one piece of work. */
    private static final int TILE = 64;

    private final ModelFile model;
    private final Map<String, BlockWeight> blocks = new LinkedHashMap<>();

    /** @param layouts by tensor; those that are stored in their type already stay as they are */
    OuterBlocks(ModelFile model, Map<String, BlockLayout> layouts, Workers workers) {
        this.model = model;
        layouts.forEach((name, layout) -> {
            if (!model.weights().storedType(name).equals(layout.name())) {
                blocks.put(name, rounded(model.checkpoint().tensor(name), layout, workers));
            }
        });
    }

    private static BlockWeight rounded(StoredTensor stored, BlockLayout layout, Workers workers) {
        int out = Math.toIntExact(stored.shape()[0]);
        int in = Math.toIntExact(stored.shape()[1]);
        int size = layout.rowBytes(in);
        byte[] bytes = new byte[Math.multiplyExact(out, size)];
        workers.forEach(Math.ceilDiv(out, TILE), tile -> {
            RowQuantizer quantizer = RowQuantizer.of(layout);
            BlockRow blocks = new BlockRow(layout, in);
            float[] numbers = new float[in];
            for (int row = tile * TILE; row < Math.min(out, (tile + 1) * TILE); row++) {
                stored.decode(row, row + 1, MemorySegment.ofArray(numbers));
                quantizer.quantize(numbers, 0, null, blocks);
                BlockBytes.write(blocks, bytes, row * size);
            }
        });
        return new BlockWeight(layout, out, in, MemorySegment.ofArray(bytes));
    }

    boolean isEmpty() {
        return blocks.isEmpty();
    }

    /** What was rounded, and to which type. */
    Map<String, BlockLayout> layouts() {
        Map<String, BlockLayout> layouts = new LinkedHashMap<>();
        blocks.forEach((name, weight) -> layouts.put(name, weight.layout()));
        return layouts;
    }

    List<StoredPart> parts() {
        List<StoredPart> parts = new ArrayList<>();
        blocks.forEach((name, weight) -> parts.add(PackedBlocks.part(name, weight)));
        return parts;
    }

    /** The model's weights with these in the place of its own. */
    WeightSource weights() {
        return isEmpty() ? model.weights() : new Over(model.weights(), blocks);
    }

    private record Over(WeightSource source, Map<String, BlockWeight> blocks) implements WeightSource {
        @Override
        public boolean has(String name) {
            return source.has(name);
        }

        @Override
        public long[] shape(String name) {
            return source.shape(name);
        }

        @Override
        public boolean packed(String name) {
            return source.packed(name);
        }

        @Override
        public long storedBytes(String name) {
            BlockWeight weight = blocks.get(name);
            return weight == null ? source.storedBytes(name) : weight.bytes().byteSize();
        }

        @Override
        public String storedType(String name) {
            BlockWeight weight = blocks.get(name);
            return weight == null ? source.storedType(name) : weight.layout().name();
        }

        @Override
        public Tensor load(String name, ComputeType type, Arena arena) {
            BlockWeight weight = blocks.get(name);
            if (weight == null) {
                return source.load(name, type, arena);
            }
            return Weights.of(weight.out(), weight.in(), type, arena, weight::decodeRow);
        }
    }
}
