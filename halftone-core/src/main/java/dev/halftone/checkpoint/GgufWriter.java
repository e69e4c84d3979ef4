package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Writes a GGUF file of version 3. Tensors are declared first and then written one after the other, so that a file of any size takes
 * no more memory than one piece of a tensor. Source: ggml docs/gguf.md.
 *
 * <p>The file appears whole or not at all.
 */
public final class GgufWriter {
    private static final String ALIGNMENT = "general.alignment";
    private static final int DEFAULT_ALIGNMENT = 32;
    private static final int MAGIC = 0x46554747;
    private static final int VERSION = 3;

    /** ggml keeps names in 64 bytes, the last of them 0. */
    private static final int LONGEST_NAME = 63;

    private GgufWriter() {}

    /**
     * A tensor to be written.
     *
     * @param shape slowest dimension first
     */
    public record Declaration(String name, GgufType type, List<Long> shape) {
        public Declaration {
            shape = List.copyOf(shape);
            if (shape.isEmpty() || shape.size() > 4 || shape.getLast() % Math.max(1, type.blockElements()) != 0) {
                throw new IllegalArgumentException("%s: %s of shape %s".formatted(name, type, shape));
            }
        }

        public long byteSize() {
            long elements = shape.stream().reduce(1L, Math::multiplyExact);
            return Math.multiplyExact(elements / type.blockElements(), type.blockBytes());
        }
    }

    /** Supplies the bytes of one tensor, in as many pieces as it likes. */
    @FunctionalInterface
    public interface Source {
        /** Called once for each tensor, in the order of the declarations. */
        void write(Declaration tensor, Sink sink) throws IOException;
    }

    /** Takes the next bytes of the tensor that is being written. */
    @FunctionalInterface
    public interface Sink {
        void write(MemorySegment bytes) throws IOException;
    }

    /**
     * Writes a file; an existing one is replaced at the end, all at once.
     *
     * @param metadata in this order; {@code general.alignment}, a power of two, is obeyed
     * @throws IllegalArgumentException if two tensors have the same name, or a name is too long for readers
     * @throws IllegalStateException if the source supplies more or fewer bytes than it declared
     */
    public static void write(Path file, Map<String, GgufValue> metadata, List<Declaration> tensors, Source source)
            throws IOException {
        int alignment = alignment(metadata);
        byte[] header = header(metadata, tensors, alignment);
        NewFile.write(file, target -> {
            target.write(header);
            pad(target, alignment);
            for (Declaration tensor : tensors) {
                writeTensor(target, tensor, source);
                pad(target, alignment);
            }
        });
    }

    private static int alignment(Map<String, GgufValue> metadata) {
        GgufValue value = metadata.get(ALIGNMENT);
        return value == null
                ? DEFAULT_ALIGNMENT
                : value.bytes().get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN), Integer.BYTES);
    }

    private static long align(long position, long alignment) {
        return (position + alignment - 1) & -alignment;
    }

    private static void pad(NewFile file, int alignment) throws IOException {
        file.write(new byte[(int) (align(file.position(), alignment) - file.position())]);
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

    private static byte[] header(Map<String, GgufValue> metadata, List<Declaration> tensors, int alignment) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(buffer(24)
                .putInt(MAGIC)
                .putInt(VERSION)
                .putLong(tensors.size())
                .putLong(metadata.size())
                .array());
        metadata.forEach((key, value) -> {
            out.writeBytes(GgufValue.text(key));
            out.writeBytes(value.bytes().toArray(ValueLayout.JAVA_BYTE));
        });
        Set<String> names = new HashSet<>();
        long offset = 0;
        for (Declaration tensor : tensors) {
            byte[] name = GgufValue.text(tensor.name());
            if (!names.add(tensor.name()) || name.length - Long.BYTES > LONGEST_NAME) {
                throw new IllegalArgumentException("tensor name taken or too long: " + tensor.name());
            }
            byte[] info =
                    new byte[name.length + 16 + Long.BYTES * tensor.shape().size()];
            ByteBuffer fields = ByteBuffer.wrap(info).order(LITTLE_ENDIAN);
            fields.put(name).putInt(tensor.shape().size());
            tensor.shape().reversed().forEach(fields::putLong);
            fields.putInt(tensor.type().id()).putLong(offset);
            out.writeBytes(info);
            offset = align(offset + tensor.byteSize(), alignment);
        }
        return out.toByteArray();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(LITTLE_ENDIAN);
    }
}
