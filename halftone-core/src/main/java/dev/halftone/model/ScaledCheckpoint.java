package dev.halftone.model;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.StoredTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** A checkpoint of which some tensors are read with some of their rows or columns multiplied. Nothing is copied. */
final class ScaledCheckpoint implements Checkpoint {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);

    private final Checkpoint original;
    private final Map<String, Scaling> scalings;

    /**
     * Elements times {@code factor}.
     *
     * @param indices of columns, or of rows
     * @param offset what counts is the stored number plus this
     */
    record Scaling(int[] indices, double factor, double offset, boolean rows) {}

    ScaledCheckpoint(Checkpoint original, Map<String, Scaling> scalings) {
        this.original = original;
        this.scalings = Map.copyOf(scalings);
    }

    @Override
    public Path path() {
        return original.path();
    }

    @Override
    public String format() {
        return original.format();
    }

    @Override
    public ObjectNode config() {
        return original.config();
    }

    @Override
    public Set<String> names() {
        return original.names();
    }

    @Override
    public StoredTensor tensor(String name) {
        StoredTensor tensor = original.tensor(name);
        Scaling scaling = scalings.get(name);
        return scaling == null ? tensor : new Scaled(tensor, scaling);
    }

    @Override
    public List<Path> files() {
        return original.files();
    }

    @Override
    public List<String> warnings() {
        return original.warnings();
    }

    @Override
    public void close() {
        original.close();
    }

    private record Scaled(StoredTensor original, Scaling scaling) implements StoredTensor {
        @Override
        public String name() {
            return original.name();
        }

        @Override
        public String type() {
            return original.type();
        }

        @Override
        public long[] shape() {
            return original.shape();
        }

        @Override
        public long elements() {
            return original.elements();
        }

        @Override
        public long byteSize() {
            return original.byteSize();
        }

        @Override
        public MemorySegment bytes() {
            return original.bytes();
        }

        @Override
        public boolean mustDecode() {
            return true;
        }

        @Override
        public long rows() {
            return original.rows();
        }

        @Override
        public long columns() {
            return original.columns();
        }

        @Override
        public void decode(long from, long to, MemorySegment target) {
            original.decode(from, to, target);
            for (int index : scaling.indices()) {
                if (!scaling.rows()) {
                    for (long row = 0; row < to - from; row++) {
                        multiply(target, row * columns() + index);
                    }
                } else if (index >= from && index < to) {
                    for (long column = 0; column < columns(); column++) {
                        multiply(target, (index - from) * columns() + column);
                    }
                }
            }
        }

        private void multiply(MemorySegment target, long element) {
            long at = element * Float.BYTES;
            target.set(FLOAT, at, (float)
                    ((target.get(FLOAT, at) + scaling.offset()) * scaling.factor() - scaling.offset()));
        }
    }
}
