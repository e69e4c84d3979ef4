package dev.halftone.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** Changes bytes of tensors in the safetensors files of a directory that nobody else has opened; shapes and types stay. */
public final class SafetensorsPatch implements AutoCloseable {
    private final List<SafetensorsFile> files;

    private SafetensorsPatch(List<SafetensorsFile> files) {
        this.files = files;
    }

    /** Opens all safetensors files of a directory. */
    public static SafetensorsPatch open(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return new SafetensorsPatch(entries.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .map(SafetensorsFile::open)
                    .toList());
        }
    }

    /**
     * Writes a tensor's bytes, unless they are there already.
     *
     * @throws IllegalArgumentException if no file has a tensor of that name and size
     */
    public void replace(String tensor, MemorySegment bytes) throws IOException {
        SafetensorsFile file = files.stream()
                .filter(each -> each.names().contains(tensor))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no tensor " + tensor));
        MemorySegment there = file.tensor(tensor).bytes();
        if (there.byteSize() != bytes.byteSize()) {
            throw new IllegalArgumentException(
                    "%s has %d bytes, not %d".formatted(tensor, there.byteSize(), bytes.byteSize()));
        }
        if (there.mismatch(bytes) < 0) {
            return;
        }
        try (FileChannel channel = FileChannel.open(file.path(), StandardOpenOption.WRITE)) {
            ByteBuffer buffer = bytes.asByteBuffer();
            long at = file.offset(tensor);
            while (buffer.hasRemaining()) {
                at += channel.write(buffer, at);
            }
        }
    }

    @Override
    public void close() {
        files.forEach(SafetensorsFile::close);
    }
}
