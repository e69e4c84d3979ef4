package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
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
 * <p>The file appears whole or not at all.
 */
public final class SafetensorsWriter {
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
        NewFile.write(file, target -> {
            target.write(header);
            for (Declaration tensor : ordered) {
                writeTensor(target, tensor, source);
            }
        });
    }

    private static void writeTensor(NewFile file, Declaration tensor, Source source) throws IOException {
        long start = file.position();
        long end = start + tensor.byteSize();
        source.write(tensor, bytes -> {
            if (bytes.byteSize() > end - file.position()) {
                throw new IllegalStateException(
                        "%s: more than the declared %d bytes".formatted(tensor.name(), end - start));
            }
            file.write(bytes);
        });
        if (file.position() != end) {
            throw new IllegalStateException(
                    "%s: %d bytes written, %d declared".formatted(tensor.name(), file.position() - start, end - start));
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
