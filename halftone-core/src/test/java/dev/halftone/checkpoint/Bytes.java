package dev.halftone.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;

/** Builds files byte by byte, wrong ones too. Little-endian. */
final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    static Bytes safetensors(String header, byte... data) {
        byte[] json = header.getBytes(UTF_8);
        return new Bytes().u64(json.length).raw(json).raw(data);
    }

    /** Magic, version 3 and counts of a GGUF file. */
    static Bytes gguf(long tensors, long keyValues) {
        return new Bytes().raw("GGUF".getBytes(UTF_8)).u32(3).u64(tensors).u64(keyValues);
    }

    Bytes raw(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    Bytes zeros(int count) {
        return raw(new byte[count]);
    }

    Bytes u32(int value) {
        return raw(ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(value)
                .array());
    }

    Bytes u64(long value) {
        return raw(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array());
    }

    Bytes f32(float... values) {
        for (float value : values) {
            u32(Float.floatToRawIntBits(value));
        }
        return this;
    }

    Bytes string(String text) {
        byte[] utf8 = text.getBytes(UTF_8);
        return u64(utf8.length).raw(utf8);
    }

    Bytes key(String key, int value) {
        return string(key).u32(4).u32(value);
    }

    Bytes key(String key, float value) {
        return string(key).u32(6).f32(value);
    }

    Bytes key(String key, String value) {
        return string(key).u32(8).string(value);
    }

    /** A tensor info; dimensions fastest first. */
    Bytes tensor(String name, int type, long offset, long... dimensions) {
        string(name).u32(dimensions.length);
        for (long dimension : dimensions) {
            u64(dimension);
        }
        return u32(type).u64(offset);
    }

    Bytes pad(int alignment) {
        return zeros(Math.floorMod(-out.size(), alignment));
    }

    byte[] toArray() {
        return out.toByteArray();
    }

    Path write(Path file) {
        return write(file, toArray());
    }

    static Path write(Path file, byte[] bytes) {
        try {
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A file among the test resources. */
    static Path resource(String name) {
        return Path.of(System.getProperty("user.dir"), "src/test/resources/checkpoint", name);
    }
}
