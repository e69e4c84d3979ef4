package dev.halftone.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * A file that appears whole or not at all: its bytes go to a temporary file in the same directory, which takes the name at the end.
 * A reader never sees half a file, and a file that is still mapped is not changed under its readers.
 */
final class NewFile {
    private static final int STAGING = 1 << 20;

    /** Bytes of one write: the JDK copies those of arrays to memory of its own first. */
    private static final long PIECE = 64 << 20;

    private final FileChannel channel;

    private NewFile(FileChannel channel) {
        this.channel = channel;
    }

    /** Writes the bytes of a file. */
    @FunctionalInterface
    interface Body {
        void write(NewFile file) throws IOException;
    }

    /** Writes a file; an existing one is replaced at the end, all at once. */
    static void write(Path file, Body body) throws IOException {
        Path target = file.toAbsolutePath();
        Path temporary = target.resolveSibling(".%s.%d.part"
                .formatted(target.getFileName(), ProcessHandle.current().pid()));
        try {
            try (FileChannel channel = FileChannel.open(
                    temporary,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                body.write(new NewFile(channel));
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

    /** Bytes written so far. */
    long position() throws IOException {
        return channel.position();
    }

    void write(byte[] bytes) throws IOException {
        writeFully(ByteBuffer.wrap(bytes));
    }

    void write(MemorySegment bytes) throws IOException {
        boolean direct = bytes.isNative() || bytes.heapBase().orElse(null) instanceof byte[];
        // Views of other Java arrays cannot become a ByteBuffer: they are copied in pieces.
        ByteBuffer staging = direct ? null : ByteBuffer.allocateDirect(STAGING);
        long piece = direct ? PIECE : STAGING;
        for (long at = 0; at < bytes.byteSize(); at += piece) {
            MemorySegment part = bytes.asSlice(at, Math.min(piece, bytes.byteSize() - at));
            if (staging == null) {
                writeFully(part.asByteBuffer());
                if (part.isMapped()) {
                    // What was written is not looked at again: it should not add up to a whole model.
                    part.unload();
                }
            } else {
                MemorySegment.copy(part, 0, MemorySegment.ofBuffer(staging.clear()), 0, part.byteSize());
                writeFully(staging.limit((int) part.byteSize()));
            }
        }
    }

    private void writeFully(ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
