package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.checkpoint.MappedTensor.Encoding;
import dev.halftone.checkpoint.MappedTensor.RowOrder;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file, mapped and checked: 8 bytes header length N (little-endian), N bytes JSON, then the tensors' bytes
 * without holes. Every declared range is compared with the others and with the size of the file before a tensor is made.
 * Source: huggingface/safetensors, README.md (format) and tensor.rs (validation).
 *
 * <p>Closing it unmaps the file: its tensors must not be used afterwards.
 */
public final class SafetensorsFile implements AutoCloseable {
    static final long LONGEST_HEADER = 100_000_000;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final Path path;
    private final Arena arena;
    private final MemorySegment file;
    private final Map<String, StoredTensor> tensors;
    private final Map<String, String> metadata;

    private SafetensorsFile(
            Path path,
            Arena arena,
            MemorySegment file,
            Map<String, StoredTensor> tensors,
            Map<String, String> metadata) {
        this.path = path;
        this.arena = arena;
        this.file = file;
        this.tensors = tensors;
        this.metadata = metadata;
    }

    /**
     * Maps and checks a file.
     *
     * @throws dev.halftone.error.InputException HT-200 to HT-217, one code for each rule; HT-231, HT-244 if it cannot be read
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena belongs to the file that is returned
    public static SafetensorsFile open(Path path) {
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

    /** Names in the order of their bytes in the file. */
    public Set<String> names() {
        return tensors.keySet();
    }

    /**
     * The tensor of that name.
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

    /** Where a tensor's bytes begin in the file. */
    long offset(String name) {
        return tensor(name).bytes().address() - file.address();
    }

    /** {@code __metadata__}; empty if the file has none. */
    public Map<String, String> metadata() {
        return metadata;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    private static SafetensorsFile read(Path path, Arena arena) {
        MemorySegment file = MappedFile.map(path, arena);
        String place = path.toString();
        if (file.byteSize() < Long.BYTES) {
            throw Findings.error(
                    "HT-200",
                    place,
                    "%d bytes, too short for a header length of 8 bytes".formatted(file.byteSize()),
                    "download the file again");
        }
        long headerLength = file.get(LONG, 0);
        if (headerLength < 0 || headerLength > LONGEST_HEADER) {
            throw Findings.error(
                    "HT-201",
                    place,
                    "header length %s, at most %d allowed"
                            .formatted(Long.toUnsignedString(headerLength), LONGEST_HEADER),
                    "this is no safetensors file, or it is damaged");
        }
        if (headerLength > file.byteSize() - Long.BYTES) {
            throw Findings.error(
                    "HT-202",
                    place,
                    "header length %d, but the file has %d bytes".formatted(headerLength, file.byteSize()),
                    "the file is cut off: download it again");
        }
        byte[] header = file.asSlice(Long.BYTES, headerLength).toArray(ValueLayout.JAVA_BYTE);
        SafetensorsHeader parsed = SafetensorsHeader.parse(place, header);
        List<SafetensorsHeader.Entry> inOrder = inFileOrder(parsed);
        long dataStart = Long.BYTES + headerLength;
        checkLayout(place, inOrder, file.byteSize() - dataStart);
        Map<String, StoredTensor> tensors = LinkedHashMap.newLinkedHashMap(inOrder.size());
        for (SafetensorsHeader.Entry entry : inOrder) {
            MemorySegment bytes = file.asSlice(dataStart + entry.begin(), entry.end() - entry.begin());
            tensors.put(
                    entry.name(),
                    new MappedTensor(entry.name(), Encoding.of(entry.dtype()), entry.shape(), bytes, RowOrder.SAME));
        }
        return new SafetensorsFile(
                path,
                arena,
                file,
                Collections.unmodifiableMap(tensors),
                Collections.unmodifiableMap(parsed.metadata()));
    }

    private static List<SafetensorsHeader.Entry> inFileOrder(SafetensorsHeader header) {
        List<SafetensorsHeader.Entry> entries = new ArrayList<>(header.entries().values());
        entries.sort(Comparator.comparingLong(SafetensorsHeader.Entry::begin)
                .thenComparingLong(SafetensorsHeader.Entry::end));
        return entries;
    }

    /** Section by section: sizes fit 64 bits, whole bytes, size as declared, no hole or overlap, all of the file used. */
    private static void checkLayout(String file, List<SafetensorsHeader.Entry> inOrder, long dataSize) {
        long next = 0;
        for (SafetensorsHeader.Entry entry : inOrder) {
            String place = file + ": " + entry.name();
            if (entry.begin() != next || entry.end() < entry.begin()) {
                throw Findings.error(
                        "HT-213",
                        place,
                        "data_offsets [%d, %d], expected to begin at %d, where the tensor before it ends"
                                .formatted(entry.begin(), entry.end(), next),
                        "tensors overlap or leave a hole: write the file again");
            }
            next = entry.end();
            checkSize(place, entry);
        }
        if (next != dataSize) {
            throw Findings.error(
                    "HT-217",
                    file,
                    "the tensors take %d bytes, the file holds %d after its header".formatted(next, dataSize),
                    next > dataSize
                            ? "the file is cut off: download it again"
                            : "the file was added to: download it again");
        }
    }

    private static void checkSize(String place, SafetensorsHeader.Entry entry) {
        long bits;
        try {
            bits = entry.dtype().bits();
            for (long dimension : entry.shape()) {
                bits = Math.multiplyExact(bits, dimension);
            }
        } catch (ArithmeticException e) {
            throw Findings.error(
                    "HT-214",
                    place,
                    "shape %s has more than 2^63 bits".formatted(Tensors.show(entry.shape())),
                    "the file is damaged: download it again");
        }
        if (bits % 8 != 0) {
            throw Findings.error(
                    "HT-215",
                    place,
                    "%s of shape %s takes %d bits, which are no whole bytes"
                            .formatted(entry.dtype(), Tensors.show(entry.shape()), bits),
                    "write the file again");
        }
        if (bits / 8 != entry.end() - entry.begin()) {
            throw Findings.error(
                    "HT-216",
                    place,
                    "%s of shape %s takes %d bytes, its data_offsets span %d"
                            .formatted(
                                    entry.dtype(), Tensors.show(entry.shape()), bits / 8, entry.end() - entry.begin()),
                    "write the file again");
        }
    }
}
