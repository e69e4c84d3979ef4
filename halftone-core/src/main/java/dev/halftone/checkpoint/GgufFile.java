package dev.halftone.checkpoint;

import dev.halftone.checkpoint.MappedTensor.Encoding;
import dev.halftone.checkpoint.MappedTensor.RowOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A GGUF file, version 2 or 3, little-endian, mapped and checked; tensors under the file's own names and in its own row order.
 * Layout: magic, version, counts, key-value pairs, tensor list (dimensions fastest first), padding, tensor data, each tensor
 * padded to {@code general.alignment}. Source: ggml docs/gguf.md.
 *
 * <p>Closing it unmaps the file: its tensors must not be used afterwards.
 */
public final class GgufFile implements AutoCloseable {
    private static final int MAGIC = 0x46554747;
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MOST_DIMENSIONS = 4;

    /** Bytes of the shortest tensor info: name length, dimension count, one dimension, type, offset. */
    private static final int LEAST_INFO = 8 + 4 + 8 + 4 + 8;

    private final Path path;
    private final Arena arena;
    private final GgufMetadata.Entries metadata;
    private final Map<String, StoredTensor> tensors;

    private GgufFile(Path path, Arena arena, GgufMetadata.Entries metadata, Map<String, StoredTensor> tensors) {
        this.path = path;
        this.arena = arena;
        this.metadata = metadata;
        this.tensors = tensors;
    }

    /**
     * Maps and checks a file.
     *
     * @throws dev.halftone.error.InputException HT-220 to HT-229; HT-231, HT-244 if it cannot be read
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena belongs to the file that is returned
    public static GgufFile open(Path path) {
        Arena arena = Arena.ofShared();
        try {
            return read(path, arena);
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    public Path path() {
        return path;
    }

    /**
     * The key-value pairs in the order of the file. Values: {@code i8 u8 i16 u16 i32} as Integer, {@code u32 i64 u64} as Long
     * (BigInteger beyond 2^63 - 1), Float, Double, Boolean, String. Arrays: {@code int[]}, {@code long[]}, {@code float[]},
     * {@code double[]}, {@code boolean[]}, {@code List<String>}, which callers must not change.
     */
    public Map<String, Object> metadata() {
        return metadata.values();
    }

    /** The same pairs as they lie in the file, for writers that pass them on; gone when this is closed. */
    public Map<String, GgufValue> storedMetadata() {
        return metadata.stored();
    }

    /** GGUF names ("blk.0.attn_q.weight"), in the order of the file. */
    public Set<String> names() {
        return tensors.keySet();
    }

    /**
     * The tensor of that GGUF name.
     *
     * @throws dev.halftone.error.InputException HT-230 if there is none
     */
    public StoredTensor tensor(String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw Tensors.missing(path, name, tensors.keySet());
        }
        return tensor;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static GgufFile read(Path path, Arena arena) {
        MemorySegment bytes = MappedFile.map(path, arena);
        String file = path.toString();
        GgufCursor in = new GgufCursor(file, bytes);
        if (bytes.byteSize() < Integer.BYTES || in.u32("magic") != MAGIC) {
            throw Findings.error("HT-220", file, "does not start with the letters GGUF", "this is no GGUF file");
        }
        checkVersion(file, in.u32("version"));
        int tensorCount = in.count(LEAST_INFO, "tensor count");
        if (tensorCount > SafetensorsHeader.MOST_TENSORS) {
            throw Findings.error(
                    "HT-222",
                    file,
                    "%d tensors, at most %d read".formatted(tensorCount, SafetensorsHeader.MOST_TENSORS),
                    "");
        }
        GgufMetadata.Entries metadata =
                GgufMetadata.read(file, in, in.count(GgufMetadata.LEAST_BYTES, "key-value count"));
        long alignment = alignment(file, metadata.values());
        Map<String, Declared> infos = readInfos(file, in, tensorCount);
        long dataStart = align(in.position(), alignment);
        Map<String, StoredTensor> tensors = LinkedHashMap.newLinkedHashMap(tensorCount);
        long next = 0;
        for (Declared info : infos.values()) {
            long size = info.byteSize(file);
            checkPlace(file, info, size, next, bytes.byteSize() - dataStart);
            next = align(next + size, alignment);
            MemorySegment data = bytes.asSlice(dataStart + info.offset(), size);
            tensors.put(
                    info.name(),
                    new MappedTensor(info.name(), Encoding.of(info.type()), info.shape(), data, RowOrder.SAME));
        }
        return new GgufFile(path, arena, metadata, Collections.unmodifiableMap(tensors));
    }

    private static void checkVersion(String file, int version) {
        if (version == 2 || version == 3) {
            return;
        }
        boolean bigEndian = Integer.reverseBytes(version) == 2 || Integer.reverseBytes(version) == 3;
        throw Findings.error(
                "HT-221",
                file,
                bigEndian
                        ? "a big-endian GGUF file; this build reads little-endian ones"
                        : "GGUF version %s; this build reads 2 and 3".formatted(Integer.toUnsignedString(version)),
                "convert the model again with a current converter");
    }

    private static long alignment(String file, Map<String, Object> metadata) {
        Object value = metadata.getOrDefault("general.alignment", (long) DEFAULT_ALIGNMENT);
        // 1 GiB: far beyond any page size, and small enough that positions plus padding stay within 63 bits.
        if (value instanceof Long alignment && alignment > 0 && alignment <= 1 << 30 && Long.bitCount(alignment) == 1) {
            return alignment;
        }
        throw Findings.error(
                "HT-226",
                file,
                "general.alignment is %s, expected a power of two (u32)".formatted(GgufKeys.show(value)),
                "write the file again");
    }

    private static long align(long position, long alignment) {
        return (position + alignment - 1) & -alignment;
    }

    private static Map<String, Declared> readInfos(String file, GgufCursor in, int count) {
        Map<String, Declared> infos = LinkedHashMap.newLinkedHashMap(count);
        for (int i = 0; i < count; i++) {
            String name = in.string("name of tensor " + i);
            int dimensions = in.u32(name);
            if (dimensions < 1 || dimensions > MOST_DIMENSIONS) {
                throw shapeError(
                        file, name, "%s dimensions, expected 1 to 4".formatted(Integer.toUnsignedString(dimensions)));
            }
            long[] fastestFirst = new long[dimensions];
            for (int k = 0; k < dimensions; k++) {
                fastestFirst[k] = in.u64(name);
                if (fastestFirst[k] < 0) {
                    throw shapeError(file, name, "dimension %s".formatted(Long.toUnsignedString(fastestFirst[k])));
                }
            }
            Declared info = new Declared(name, shape(fastestFirst), type(file, name, in.u32(name)), in.u64(name));
            if (infos.put(name, info) != null) {
                throw Findings.error(
                        "HT-225", file, "the tensor name %s occurs twice".formatted(name), "write the file again");
            }
        }
        return infos;
    }

    /** Slowest first, without the trailing ones that some writers add on the slow side. */
    private static long[] shape(long[] fastestFirst) {
        int dimensions = fastestFirst.length;
        while (dimensions > 1 && fastestFirst[dimensions - 1] == 1) {
            dimensions--;
        }
        long[] shape = new long[dimensions];
        for (int i = 0; i < dimensions; i++) {
            shape[i] = fastestFirst[dimensions - 1 - i];
        }
        return shape;
    }

    private static GgufType type(String file, String name, int id) {
        GgufType type = GgufType.of(id);
        if (type == null || type.decoder() == null) {
            throw Findings.error(
                    "HT-228",
                    file + ": " + name,
                    type == null
                            ? "unknown tensor type %s".formatted(Integer.toUnsignedString(id))
                            : "tensor type %s (id %d), which this build cannot read".formatted(type, id),
                    "use a file in another type: Q4_K_M, Q8_0, F16... in docs/formats");
        }
        return type;
    }

    private static void checkPlace(String file, Declared info, long size, long expected, long available) {
        String place = file + ": " + info.name();
        if (info.offset() != expected) {
            throw Findings.error(
                    "HT-229",
                    place,
                    "offset %s, expected %d, where the tensor before it ends"
                            .formatted(Long.toUnsignedString(info.offset()), expected),
                    "tensors overlap or leave a hole: write the file again");
        }
        if (size > available - expected) {
            throw Findings.error(
                    "HT-222",
                    place,
                    "needs bytes %d to %d of the data, but the file holds %d"
                            .formatted(expected, expected + size, Math.max(0, available)),
                    "the file is cut off: download it again");
        }
    }

    private static RuntimeException shapeError(String file, String name, String finding) {
        return Findings.error("HT-227", file + ": " + name, finding, "the file is damaged: download it again");
    }

    /** One tensor as declared. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Declared(String name, long[] shape, GgufType type, long offset) {
        long byteSize(String file) {
            long columns = shape[shape.length - 1];
            if (columns % type.blockElements() != 0) {
                throw shapeError(
                        file,
                        name,
                        "rows of %d elements, expected a multiple of %s's block of %d"
                                .formatted(columns, type, type.blockElements()));
            }
            try {
                long elements = 1;
                for (long dimension : shape) {
                    elements = Math.multiplyExact(elements, dimension);
                }
                // Twice, so that the end of the tensor and its padding fit as well.
                return Math.multiplyExact(2, Math.multiplyExact(elements / type.blockElements(), type.blockBytes()))
                        / 2;
            } catch (ArithmeticException e) {
                throw shapeError(file, name, "shape %s takes more than 2^62 bytes".formatted(Tensors.show(shape)));
            }
        }
    }
}
