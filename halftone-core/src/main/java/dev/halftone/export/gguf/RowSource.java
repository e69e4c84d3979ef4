package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.checkpoint.GgufType;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufTensors.Entry;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.gguf.BlockBytes;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** The rows of one tensor in Hugging Face order: as numbers, or as blocks that need no rounding. Safe for several threads. */
sealed interface RowSource {
    /** What was done to the numbers of a tensor on their way into the file. */
    enum Way {
        /** The same bytes, or the same codes and scales. */
        COPIED,
        /** Rounded to nearest. */
        ROUNDED
    }

    /** Numbers. */
    @FunctionalInterface
    non-sealed interface Numbers extends RowSource {
        void read(int row, float[] target);
    }

    /** The bytes of the whole tensor, as the file wants them. */
    record Whole(MemorySegment bytes) implements RowSource {}

    /** Finished blocks. */
    @FunctionalInterface
    non-sealed interface Blocks extends RowSource {
        void read(int row, byte[] target);
    }

    /**
     * How to read a source of a tensor.
     *
     * @throws InputException HT-685 for a weight that a quantizer has chosen and the type would round again
     */
    static RowSource of(ModelFile model, Entry entry, String source, Arena arena) {
        Optional<BlockWeight> blocks = model.blocks(source);
        if (blocks.isPresent()) {
            return blocks(model, entry, source, blocks.get());
        }
        Optional<PackedWeight> packed = model.packedWeight(source);
        if (packed.isPresent()) {
            return packed(model, entry, source, packed.get());
        }
        Optional<StoredWeight> stored = model.storedWeight(source);
        if (stored.isPresent()) {
            checkFloat(model, entry, source, stored.get().format().label());
            return (Numbers) (row, target) -> stored.get().decodeRow(row, target, 0);
        }
        if (entry.site() != null && entry.site().inputMajor() && !entry.vector()) {
            return transposed(model, entry, arena);
        }
        StoredTensor tensor = model.checkpoint().tensor(source);
        if (model.checkpoint() instanceof GgufCheckpoint
                && tensor.type().equals(entry.type().name())) {
            return new Whole(tensor.bytes());
        }
        int columns = entry.columns();
        return (Numbers) (row, target) -> {
            MemorySegment piece = MemorySegment.ofArray(target).asSlice(0, (long) columns * Float.BYTES);
            tensor.decode(row, row + 1, piece);
        };
    }

    private static RowSource blocks(ModelFile model, Entry entry, String source, BlockWeight weight) {
        if (weight.layout().type() == entry.type()) {
            return (Blocks) (row, target) ->
                    MemorySegment.copy(weight.row(row), ValueLayout.JAVA_BYTE, 0, target, 0, target.length);
        }
        checkFloat(model, entry, source, weight.layout().name());
        return (Numbers) weight::decodeRow;
    }

    private static RowSource packed(ModelFile model, Entry entry, String source, PackedWeight weight) {
        @Nullable BlockLayout exact = ExactBlocks.layout(weight.format());
        if (exact != null && exact.type() == entry.type() && weight.in() % exact.block() == 0) {
            return (Blocks) (row, target) -> {
                BlockRow blocks = ExactBlocks.row(weight, row, exact);
                BlockBytes.write(blocks, target, 0);
            };
        }
        if (entry.site() != null) {
            checkFloat(model, entry, source, weight.format().label());
        }
        return (Numbers) (row, target) -> weight.decodeRow(row, target, 0);
    }

    /** The embedding and the head may be rounded again: no solver has chosen their codes. */
    private static void checkFloat(ModelFile model, Entry entry, String source, String found) {
        if (entry.type() != GgufType.F32 && entry.type() != GgufType.F16 && entry.type() != GgufType.BF16) {
            throw new InputException(
                    "HT-685",
                    model.path() + ": " + source,
                    "is quantized as %s, which %s would round again".formatted(found, entry.type()),
                    "quantize the original with a gguf- recipe of this type, or export gguf:F16");
        }
    }

    /** GPT-2's linears, which are stored (in, out). */
    static Numbers transposed(ModelFile model, Entry entry, Arena arena) {
        int columns = entry.columns();
        MemorySegment all = arena.allocate(entry.rows() * columns * Float.BYTES, 64);
        Torch.load();
        Torch.inScope(() -> {
            Tensor weight = Objects.requireNonNull(entry.site())
                    .load(model.weights(), ComputeType.FLOAT32, arena)
                    .contiguous();
            MemorySegment.copy(Tensors.memory(weight), 0, all, 0, all.byteSize());
        });
        return (row, target) ->
                MemorySegment.copy(all, ValueLayout.JAVA_FLOAT, (long) row * columns * Float.BYTES, target, 0, columns);
    }
}
