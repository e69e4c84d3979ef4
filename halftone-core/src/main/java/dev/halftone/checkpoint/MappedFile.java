package dev.halftone.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Read-only access to whole files. */
final class MappedFile {
    /** Companion files (config.json, an index) are read into memory; none of them comes near this. */
    private static final long LARGEST_TEXT = 256L << 20;

    private MappedFile() {}

    /** Maps a file; the mapping lives as long as the arena. */
    static MemorySegment map(Path file, Arena arena) {
        if (Files.isDirectory(file)) {
            throw Findings.error("HT-244", file.toString(), "is a directory, expected a file", "name the file itself");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (NoSuchFileException e) {
            throw noSuchFile(file, e);
        } catch (IOException | UnsupportedOperationException e) {
            throw unreadable(file, e);
        }
    }

    static byte[] readAll(Path file) {
        try {
            long size = Files.size(file);
            if (size > LARGEST_TEXT) {
                throw Findings.error(
                        "HT-244",
                        file.toString(),
                        "is %d bytes, expected a JSON text of at most %d".formatted(size, LARGEST_TEXT),
                        "check that the right file has this name");
            }
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw noSuchFile(file, e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    private static RuntimeException noSuchFile(Path file, IOException cause) {
        return withCause(
                Findings.error(
                        "HT-231", file.toString(), "no such file", "check the path, or download the model again"),
                cause);
    }

    private static RuntimeException unreadable(Path file, Exception cause) {
        String why = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
        return withCause(
                Findings.error(
                        "HT-244", file.toString(), "cannot be read: " + why, "check its permissions and the disk"),
                cause);
    }

    private static RuntimeException withCause(RuntimeException error, Exception cause) {
        error.initCause(cause);
        return error;
    }
}
