package dev.halftone.training;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Where a run stands, in one file: 64 characters of the run's hash, steps done and bytes of the log as int64, then the memories
 * (values and optimizer state), float32, all in this machine's byte order. It takes its name only when it is whole.
 */
final class TrainingCheckpoint {
    private static final int HASH = 64;
    private static final int HEADER = HASH + 2 * Long.BYTES;

    private TrainingCheckpoint() {}

    /** Steps done and length of the log then. */
    record Standing(int step, long logBytes) {}

    static void write(Path file, String hash, Standing standing, List<MemorySegment> memories) {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        ByteBuffer header = ByteBuffer.allocate(HEADER);
        header.put(hash.getBytes(StandardCharsets.US_ASCII))
                .putLong(standing.step())
                .putLong(standing.logBytes())
                .flip();
        try {
            try (FileChannel channel = FileChannel.open(
                    part, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
                writeFully(channel, header);
                for (MemorySegment memory : memories) {
                    for (long at = 0; at < memory.byteSize(); at += 1 << 30) {
                        writeFully(
                                channel,
                                memory.asSlice(at, Math.min(1 << 30, memory.byteSize() - at))
                                        .asByteBuffer());
                    }
                }
                channel.force(true);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-802", file.toString(), "the checkpoint cannot be written: " + e, "free space");
        }
    }

    private static void writeFully(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }

    /** Fills the memories. */
    static Standing read(Path file, String hash, List<MemorySegment> memories) {
        long expected = HEADER;
        for (MemorySegment memory : memories) {
            expected += memory.byteSize();
        }
        try (FileChannel channel = FileChannel.open(file);
                Arena arena = Arena.ofConfined()) {
            if (channel.size() != expected) {
                throw broken(file, channel.size() + " bytes; expected " + expected);
            }
            MemorySegment all = channel.map(FileChannel.MapMode.READ_ONLY, 0, expected, arena);
            byte[] header = all.asSlice(0, HEADER).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
            if (!new String(header, 0, HASH, StandardCharsets.US_ASCII).equals(hash)) {
                throw broken(file, "belongs to another configuration or other data");
            }
            ByteBuffer numbers = ByteBuffer.wrap(header, HASH, 2 * Long.BYTES);
            Standing standing = new Standing(Math.toIntExact(numbers.getLong()), numbers.getLong());
            long at = HEADER;
            for (MemorySegment memory : memories) {
                MemorySegment.copy(all, at, memory, 0, memory.byteSize());
                at += memory.byteSize();
            }
            return standing;
        } catch (IOException e) {
            throw broken(file, "cannot be read: " + e);
        }
    }

    private static InputException broken(Path file, String finding) {
        return new InputException("HT-803", file.toString(), finding, "start again without --resume");
    }
}
