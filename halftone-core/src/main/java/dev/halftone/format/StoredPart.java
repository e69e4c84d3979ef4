package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsWriter.Declaration;
import java.lang.foreign.MemorySegment;

/**
 * One tensor ready to be written.
 *
 * @param bytes little-endian, row-major
 */
public record StoredPart(String name, SafetensorsDtype dtype, long[] shape, MemorySegment bytes) {
    Declaration declaration() {
        return Declaration.of(name, dtype, shape);
    }
}
