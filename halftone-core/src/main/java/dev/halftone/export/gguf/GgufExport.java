package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.checkpoint.GgufFile;
import dev.halftone.checkpoint.GgufType;
import dev.halftone.checkpoint.GgufValue;
import dev.halftone.checkpoint.GgufWriter;
import dev.halftone.checkpoint.GgufWriter.Declaration;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.export.gguf.GgufTensors.Entry;
import dev.halftone.export.gguf.RowSource.Way;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.BlockBytes;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.format.gguf.RowQuantizer;
import dev.halftone.model.Rope;
import dev.halftone.tensor.Workers;
import dev.halftone.text.GgufVocabularyKeys;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Writes a model as a GGUF file. Weights that a quantizer has filled keep their codes and scales; others are rounded as llama.cpp's
 * own quantizer does, byte for byte, with importance where there is some.
 */
public final class GgufExport {
    /** Rows that are one piece of work. */
    private static final int TILE = 16;

    /** Layout version of ggml's quantized types. */
    private static final int QUANTIZATION_VERSION = 2;

    private static final ValueLayout.OfShort HALF = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final ModelFile model;
    private final Mixture mixture;
    private final @Nullable ImportanceFile importance;
    private final Workers workers;
    private final List<Written> written = new ArrayList<>();

    /**
     * One tensor of the file.
     *
     * @param way what was done to its numbers
     * @param equal true for a quantized weight that was read back with the values that were measured, bit for bit
     */
    public record Written(String name, GgufType type, Way way, boolean weighted, boolean equal) {}

    /** Called after each tensor. */
    @FunctionalInterface
    public interface Progress {
        void update(int done, int total);
    }

    private GgufExport(ModelFile model, Mixture mixture, @Nullable ImportanceFile importance, Workers workers) {
        this.model = model;
        this.mixture = mixture;
        this.importance = importance;
        this.workers = workers;
    }

    /**
     * Writes the file; an existing one is replaced at the end, all at once.
     *
     * @param importance of the weights' inputs; null for none
     * @throws InputException HT-682 to HT-685 for what a GGUF file cannot hold
     */
    public static List<Written> write(
            ModelFile model,
            Mixture mixture,
            @Nullable ImportanceFile importance,
            Path file,
            Workers workers,
            Progress progress) {
        GgufExport export = new GgufExport(model, mixture, importance, workers);
        try {
            Path unchecked = file.toAbsolutePath().resolveSibling("." + file.getFileName() + ".unchecked.gguf");
            try {
                export.write(unchecked, progress);
                if (model.packed() || model.foreign()) {
                    export.readBack(unchecked);
                }
                Files.move(unchecked, file, StandardCopyOption.REPLACE_EXISTING);
            } finally {
                Files.deleteIfExists(unchecked);
            }
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-502", file.toString(), "cannot be written: " + e, "free some space, or choose another --out");
        }
        return export.written;
    }

    private void write(Path file, Progress progress) throws IOException {
        String place = model.path().toString();
        if (model.inputs() instanceof InputRounding inputs
                && !(inputs.formats().isEmpty() && inputs.scales().isEmpty())) {
            throw new InputException(
                    "HT-682",
                    place,
                    "quantizes or scales the inputs of its linears, which a GGUF file cannot say",
                    "quantize the original with a recipe for weights alone");
        }
        if (!model.cache().formats().isEmpty()) {
            throw new InputException(
                    "HT-682",
                    place,
                    "quantizes keys and values, which a GGUF file cannot say",
                    "quantize the original with a recipe for weights alone, and choose llama.cpp's cache types there");
        }
        // A model that was filled for a mixture was filled with importance at hand.
        boolean filled = model.hasBlocks() || importance != null;
        Map<String, Entry> entries = new LinkedHashMap<>();
        GgufTensors.of(model.spec(), mixture, filled, place).forEach(entry -> entries.put(entry.name(), entry));
        float[] divisors = divisors();
        List<Declaration> declarations = new ArrayList<>();
        if (divisors.length > 0) {
            declarations.add(new Declaration(ModelKeys.ROPE_FACTORS, GgufType.F32, List.of((long) divisors.length)));
        }
        entries.values().forEach(entry -> declarations.add(declaration(entry)));
        try (GgufFile source = carried()) {
            GgufWriter.write(file, metadata(source), declarations, (tensor, sink) -> {
                Entry entry = entries.get(tensor.name());
                if (entry == null) {
                    sink.write(MemorySegment.ofArray(divisors));
                    return;
                }
                try (Arena arena = Arena.ofShared()) {
                    sink.write(bytes(entry, tensor.byteSize(), arena));
                }
                progress.update(written.size(), declarations.size());
            });
        }
    }

    /** Opens the file and compares the quantized weights that went into it as they were. */
    private void readBack(Path file) {
        Map<String, Entry> entries = new HashMap<>();
        GgufTensors.of(model.spec(), mixture, model.hasBlocks(), file.toString())
                .forEach(entry -> entries.put(entry.name(), entry));
        try (GgufFile opened = GgufFile.open(file)) {
            workers.forEach(written.size(), i -> {
                Written tensor = written.get(i);
                Entry entry = Objects.requireNonNull(entries.get(tensor.name()));
                if (tensor.way() != Way.COPIED || !entry.sources().stream().allMatch(model.weights()::packed)) {
                    return;
                }
                if (!same(entry, opened.tensor(tensor.name()))) {
                    throw new IllegalStateException(
                            "%s: %s is not read back as it was measured".formatted(file, tensor.name()));
                }
                written.set(i, new Written(tensor.name(), tensor.type(), tensor.way(), tensor.weighted(), true));
            });
        }
    }

    private boolean same(Entry entry, StoredTensor stored) {
        float[] expected = new float[entry.columns()];
        float[] found = new float[entry.columns()];
        try (Arena arena = Arena.ofShared()) {
            for (int part = 0; part < entry.sources().size(); part++) {
                RowSource.Numbers source = measured(entry, entry.sources().get(part), arena);
                for (int row = 0; row < entry.rows(); row++) {
                    source.read(entry.order().source(row), expected);
                    long at = part * entry.rows() + row;
                    stored.decode(at, at + 1, MemorySegment.ofArray(found));
                    // Not Arrays.equals: a negative scale makes a zero negative, which is the same value.
                    for (int j = 0; j < expected.length; j++) {
                        if (expected[j] != found[j]) {
                            return false;
                        }
                    }
                }
            }
        }
        return true;
    }

    /** The rows of a quantized weight, (out, in), as the model multiplies by them. */
    private RowSource.Numbers measured(Entry entry, String source, Arena arena) {
        if (entry.site() != null && entry.site().inputMajor()) {
            return RowSource.transposed(model, entry, arena);
        }
        Optional<BlockWeight> blocks = model.blocks(source);
        return blocks.isPresent()
                ? blocks.get()::decodeRow
                : (row, target) -> model.packedWeight(source).orElseThrow().decodeRow(row, target, 0);
    }

    private static Declaration declaration(Entry entry) {
        return new Declaration(entry.name(), entry.type(), entry.shape());
    }

    /** What rotary frequencies are divided by, where no key says it. */
    private float[] divisors() {
        return model.spec().attention().positions() instanceof Rope rope
                        && (rope.scaling() instanceof Rope.Llama3 || rope.scaling() instanceof Rope.Factors)
                ? rope.divisors()
                : new float[0];
    }

    /** A file with the metadata that the model's directory keeps of the GGUF file it was made from. */
    private @Nullable GgufFile carried() {
        Path kept = model.path().resolve(GgufMetadataFile.NAME);
        return Files.isRegularFile(kept) ? GgufFile.open(kept) : null;
    }

    private Map<String, GgufValue> metadata(@Nullable GgufFile kept) {
        Map<String, GgufValue> metadata;
        if (model.checkpoint() instanceof GgufCheckpoint gguf) {
            metadata = new LinkedHashMap<>(gguf.storedMetadata());
        } else if (kept != null) {
            metadata = new LinkedHashMap<>(kept.storedMetadata());
        } else {
            String name =
                    String.valueOf(model.path().toAbsolutePath().normalize().getFileName());
            GgufVocabularyKeys vocabulary =
                    GgufVocabularyKeys.of(model.path(), model.spec().embedding().vocabulary());
            metadata = ModelKeys.of(model.spec(), name, vocabulary, model.path().toString());
        }
        metadata.keySet().removeIf(key -> key.startsWith("split.") || key.startsWith("quantize."));
        metadata.remove("general.quantization_version");
        metadata.remove("general.file_type");
        metadata.put("general.quantization_version", GgufValue.u32(QUANTIZATION_VERSION));
        metadata.put("general.file_type", GgufValue.u32(mixture.fileType()));
        return metadata;
    }

    private MemorySegment bytes(Entry entry, long size, Arena arena) {
        List<RowSource> sources = entry.sources().stream()
                .map(source -> RowSource.of(model, entry, source, arena))
                .toList();
        if (sources.getFirst() instanceof RowSource.Whole(MemorySegment whole)) {
            written.add(new Written(entry.name(), entry.type(), Way.COPIED, false, false));
            return whole;
        }
        MemorySegment target = arena.allocate(size, 64);
        float[] weights = importance == null || entry.vector() ? null : importance.of(entry.name(), entry.columns());
        boolean blocks = entry.type().blockElements() > 1;
        int perSource = Math.toIntExact(entry.rows());
        int rows = Math.multiplyExact(perSource, sources.size());
        long rowBytes = size / rows;
        workers.forEach(Math.ceilDiv(rows, TILE), tile -> {
            Scratch scratch = new Scratch(entry, blocks, (int) rowBytes);
            for (int row = tile * TILE; row < Math.min(rows, (tile + 1) * TILE); row++) {
                MemorySegment to = target.asSlice(row * rowBytes, rowBytes);
                int inSource = row % perSource;
                scratch.row(
                        sources.get(row / perSource),
                        entry.vector() ? inSource : entry.order().source(inSource),
                        weights,
                        to);
            }
        });
        boolean copied = entry.type() == GgufType.F32 || sources.stream().allMatch(RowSource.Blocks.class::isInstance);
        written.add(new Written(
                entry.name(),
                entry.type(),
                copied ? Way.COPIED : Way.ROUNDED,
                !copied && blocks && weights != null,
                false));
        return target;
    }

    /** What one thread needs for one row after another. */
    private static final class Scratch {
        private final Entry entry;
        private final float[] numbers;
        private final byte[] bytes;
        private final @Nullable RowQuantizer quantizer;
        private final @Nullable BlockRow blocks;

        Scratch(Entry entry, boolean blocks, int rowBytes) {
            this.entry = entry;
            this.numbers = new float[entry.columns()];
            this.bytes = new byte[rowBytes];
            BlockLayout layout = blocks ? BlockLayout.of(entry.type()) : null;
            this.quantizer = layout == null ? null : RowQuantizer.of(layout);
            this.blocks = layout == null ? null : new BlockRow(layout, entry.columns());
        }

        void row(RowSource source, int row, float @Nullable [] importance, MemorySegment target) {
            if (source instanceof RowSource.Blocks finished) {
                finished.read(row, bytes);
                MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
                return;
            }
            ((RowSource.Numbers) source).read(row, numbers);
            if (quantizer != null && blocks != null) {
                quantizer.quantize(numbers, 0, importance, blocks);
                BlockBytes.write(blocks, bytes, 0);
                MemorySegment.copy(bytes, 0, target, ValueLayout.JAVA_BYTE, 0, bytes.length);
                return;
            }
            float[] ordered = entry.vector() ? ordered() : numbers;
            for (int j = 0; j < ordered.length; j++) {
                switch (entry.type()) {
                    case F32 -> target.set(FLOAT, 4L * j, ordered[j]);
                    case F16 -> target.set(HALF, 2L * j, Float.floatToFloat16(ordered[j]));
                    case BF16 -> target.set(HALF, 2L * j, bfloat16(ordered[j]));
                    default -> throw new IllegalStateException("no float type: " + entry.type());
                }
            }
        }

        /** A bias has its elements in the order of the weight's rows; a norm may have an offset. */
        private float[] ordered() {
            float[] ordered = new float[numbers.length];
            for (int i = 0; i < numbers.length; i++) {
                ordered[i] = (float) (numbers[entry.order().source(i)] + entry.offset());
            }
            return ordered;
        }

        private static short bfloat16(float x) {
            int bits = Float.floatToRawIntBits(x);
            return (short) ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }
}
