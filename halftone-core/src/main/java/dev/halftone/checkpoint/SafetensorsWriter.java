package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes a safetensors file as the reference library does, byte for byte (with more than one metadata key it has no fixed
 * order; ours are sorted). The tensors are declared first and then written one after the other, so that a file of any size
 * takes no more memory than one piece of a tensor. Source: huggingface/safetensors, tensor.rs (serialize).
 *
 * <p>The bytes go to a temporary file in the same directory, which takes the name at the end: a reader never sees half a
 * file, and a file that is still mapped is not changed under its readers.
 */
public final class SafetensorsWriter {
    private static final int STAGING = 1 << 20;

    /** Bytes of one write: the JDK copies those of arrays to memory of its own first. */
    private static final long PIECE = 64 << 20;

    private SafetensorsWriter() {}

    /** A tensor to be written. */
    public record Declaration(String name, SafetensorsDtype dtype, List<Long> shape) {
        public Declaration {
            shape = List.copyOf(shape);
            if (name.equals(SafetensorsHeader.METADATA)) {
                throw new IllegalArgumentException("a tensor may not be called " + name);
            }
            if (!Tensors.isText(name)) {
                throw new IllegalArgumentException("the name is not Unicode text: " + Findings.printable(name));
            }
            long bits = dtype.bits();
            for (long dimension : shape) {
                if (dimension < 0) {
                    throw new IllegalArgumentException("%s: shape %s".formatted(name, shape));
                }
                bits = Math.multiplyExact(bits, dimension);
            }
            if (bits % 8 != 0) {
                throw new IllegalArgumentException(
                        "%s: %s of shape %s is no whole bytes".formatted(name, dtype, shape));
            }
        }

        public static Declaration of(String name, SafetensorsDtype dtype, long... shape) {
            return new Declaration(name, dtype, Arrays.stream(shape).boxed().toList());
        }

        public long byteSize() {
            return shape.stream().reduce((long) dtype.bits(), Math::multiplyExact) / 8;
        }
    }

    /** Supplies the bytes of one tensor, little-endian and row-major, in as many pieces as it likes. */
    @FunctionalInterface
    public interface Source {
        /** Called once for each tensor, in the order of the file ({@link #fileOrder}). */
        void write(Declaration tensor, Sink sink) throws IOException;
    }

    /** Takes the next bytes of the tensor that is being written. */
    @FunctionalInterface
    public interface Sink {
        void write(MemorySegment bytes) throws IOException;
    }

    /** The order in which {@link #write} asks for the tensors: by type, widest first, then by the bytes of the name. */
    public static List<Declaration> fileOrder(List<Declaration> tensors) {
        return tensors.stream()
                .sorted(Comparator.comparing(Declaration::dtype)
                        .thenComparing(t -> t.name().getBytes(StandardCharsets.UTF_8), Arrays::compareUnsigned))
                .toList();
    }

    /**
     * Writes a file; an existing one is replaced at the end, all at once.
     *
     * @param metadata for {@code __metadata__}; loaders of PyTorch models expect {@code format: pt} in it
     * @throws IllegalArgumentException if two tensors have the same name, or the header would be too long
     * @throws IllegalStateException if the source supplies more or fewer bytes than it declared
     */
    public static void write(Path file, Map<String, String> metadata, List<Declaration> tensors, Source source)
            throws IOException {
        List<Declaration> ordered = fileOrder(tensors);
        byte[] header = header(metadata, ordered);
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling(".%s.%d.part"
                .formatted(target.getFileName(), ProcessHandle.current().pid()));
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                writeFully(channel, ByteBuffer.wrap(header));
                for (Declaration tensor : ordered) {
                    writeTensor(channel, tensor, source);
                }
                channel.force(true);
            }
            rename(temporary, target);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void rename(Path temporary, Path target) throws IOException {
        try {
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void writeTensor(FileChannel channel, Declaration tensor, Source source) throws IOException {
        long start = channel.position();
        long end = start + tensor.byteSize();
        source.write(tensor, bytes -> {
            if (bytes.byteSize() > end - channel.position()) {
                throw new IllegalStateException(
                        "%s: more than the declared %d bytes".formatted(tensor.name(), end - start));
            }
            writeSegment(channel, bytes);
        });
        if (channel.position() != end) {
            throw new IllegalStateException("%s: %d bytes written, %d declared"
                    .formatted(tensor.name(), channel.position() - start, end - start));
        }
    }

    private static void writeSegment(FileChannel channel, MemorySegment bytes) throws IOException {
        boolean direct = bytes.isNative() || bytes.heapBase().orElse(null) instanceof byte[];
        // Views of other Java arrays cannot become a ByteBuffer: they are copied in pieces.
        ByteBuffer staging = direct ? null : ByteBuffer.allocateDirect(STAGING);
        long piece = direct ? PIECE : STAGING;
        for (long at = 0; at < bytes.byteSize(); at += piece) {
            MemorySegment part = bytes.asSlice(at, Math.min(piece, bytes.byteSize() - at));
            if (staging == null) {
                writeFully(channel, part.asByteBuffer());
                if (part.isMapped()) {
                    // What was written is not looked at again: it should not add up to a whole model.
                    part.unload();
                }
            } else {
                MemorySegment.copy(part, 0, MemorySegment.ofBuffer(staging.clear()), 0, part.byteSize());
                writeFully(channel, staging.limit((int) part.byteSize()));
            }
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Length and JSON, padded with spaces to a multiple of 8. */
    private static byte[] header(Map<String, String> metadata, List<Declaration> ordered) {
        StringBuilder json = new StringBuilder("{");
        if (!metadata.isEmpty()) {
            appendString(json, SafetensorsHeader.METADATA).append(":{");
            new TreeMap<>(metadata).forEach((key, value) -> {
                if (!Tensors.isText(key) || !Tensors.isText(value)) {
                    throw new IllegalArgumentException("metadata is not Unicode text: " + Findings.printable(key));
                }
                appendString(json, key).append(':');
                appendString(json, value).append(',');
            });
            json.setCharAt(json.length() - 1, '}');
            json.append(',');
        }
        Set<String> names = new HashSet<>();
        long begin = 0;
        for (Declaration tensor : ordered) {
            if (!names.add(tensor.name())) {
                throw new IllegalArgumentException("two tensors are called " + tensor.name());
            }
            long end = Math.addExact(begin, tensor.byteSize());
            appendString(json, tensor.name()).append(":{\"dtype\":\"").append(tensor.dtype());
            json.append("\",\"shape\":").append(tensor.shape().toString().replace(" ", ""));
            json.append(",\"data_offsets\":[")
                    .append(begin)
                    .append(',')
                    .append(end)
                    .append("]},");
            begin = end;
        }
        if (json.length() > 1) {
            json.setLength(json.length() - 1);
        }
        byte[] utf8 = json.append('}').toString().getBytes(StandardCharsets.UTF_8);
        int length = (utf8.length + 7) / 8 * 8;
        if (length > SafetensorsFile.LONGEST_HEADER) {
            throw new IllegalArgumentException("the header takes %d bytes, at most %d allowed: write several files"
                    .formatted(length, SafetensorsFile.LONGEST_HEADER));
        }
        ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + length).order(LITTLE_ENDIAN);
        buffer.putLong(length).put(utf8);
        Arrays.fill(buffer.array(), Long.BYTES + utf8.length, buffer.capacity(), (byte) ' ');
        return buffer.array();
    }

    /** A JSON string: only what must be escaped is, other characters stay as they are. */
    private static StringBuilder appendString(StringBuilder json, String text) {
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\b' -> json.append("\\b");
                case '\f' -> json.append("\\f");
                case '\n' -> json.append("\\n");
                case '\r' -> json.append("\\r");
                case '\t' -> json.append("\\t");
                default -> {
                    if (c < ' ') {
                        json.append("\\u%04x".formatted((int) c));
                    } else {
                        json.append(c);
                    }
                }
            }
        }
        return json.append('"');
    }
}
