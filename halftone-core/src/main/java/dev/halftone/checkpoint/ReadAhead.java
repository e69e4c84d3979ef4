package dev.halftone.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Reads files from front to back in a thread of its own, so that they are in the operating system's cache when mapped memory is
 * looked at: faults alone fetch small pieces and leave a fast disk idle. Its failures are left to whoever reads the mapping.
 */
public final class ReadAhead implements AutoCloseable {
    private static final int PIECE = 4 << 20;
    private final Thread thread;
    private volatile boolean closed;

    public ReadAhead(List<Path> files) {
        this.thread = Thread.ofPlatform().daemon().name("halftone-read-ahead").start(() -> files.forEach(this::read));
    }

    private void read(Path file) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(PIECE);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int read = 0;
            while (!closed && read >= 0) {
                read = channel.read(buffer.clear());
            }
        } catch (IOException _) {
            return;
        }
    }

    /** Stops after the piece that is being read. */
    @Override
    public void close() {
        closed = true;
        try {
            thread.join();
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
