package dev.halftone.study.run;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A study's directory: {@code study.duckdb}, {@code draws} (token ids), {@code maps} (statistics of activations), {@code cache}
 * (logits and answers of the full-precision models, may be deleted) and {@code work} (models that are being measured).
 */
public record StudyDirectory(Path path) {
    /** Makes what is missing. */
    public void prepare() {
        try {
            for (String name : List.of("draws", "maps", "cache", "work")) {
                Files.createDirectories(path.resolve(name));
            }
        } catch (IOException e) {
            throw unwritable(path, e);
        }
    }

    static ResourceException unwritable(Path place, IOException cause) {
        return new ResourceException(
                "HT-666", place.toString(), "cannot be written: " + cause, "check the path and the disk");
    }

    /**
     * Keeps other processes from running a study here; the system takes it back from a process that is killed.
     *
     * @throws InputException HT-661 if one does
     */
    FileChannel lock() {
        Path file = path.resolve("lock");
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new InputException(
                        "HT-661",
                        path.toString(),
                        "a study is running here",
                        "wait until it is done, look at it with halftone studio, or choose another --out");
            }
            return channel;
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException _) {
            return null;
        }
    }

    /** The file of a draw. */
    Path draw(String key) {
        return path.resolve("draws").resolve(key + ".json");
    }

    /** The name of a draw's file below the directory. */
    static String drawName(String key) {
        return "draws/" + key + ".json";
    }

    /** The file of a model's statistics on a set. */
    public Path map(String key) {
        return path.resolve("maps").resolve(key + ".safetensors");
    }

    /** The file of a full-precision model's logits. */
    Path logits(String key) {
        return path.resolve("cache").resolve(key + ".logits");
    }

    /** The file of a full-precision model's answers. */
    Path answers(String key) {
        return path.resolve("cache").resolve(key + ".json");
    }

    /** Where a model is packed while it is measured. */
    Path work(String key) {
        return path.resolve("work").resolve(key);
    }

    /**
     * Forgets the models that processes were measuring when they died. One that is still dying may be writing: what it leaves costs
     * space until the next run, and no attempt ever looks at another's.
     */
    void clean() {
        try {
            delete(path.resolve("work"));
        } catch (ResourceException | UncheckedIOException _) {
            // See above. Where nothing can be written at all, the next line says so.
        }
        made(path.resolve("work"));
    }

    /** Puts a file in its place as a whole. */
    static void replace(Path file, byte[] bytes) {
        Path beside = file.resolveSibling("." + file.getFileName() + ".part");
        try {
            Files.write(beside, bytes);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
        move(beside, file);
    }

    /** Gives a whole file its name, whether or not there is one of this name. */
    static void move(Path from, Path file) {
        try {
            Files.move(from, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /** A directory that is there from now on. */
    static Path made(Path directory) {
        try {
            return Files.createDirectories(directory);
        } catch (IOException e) {
            throw unwritable(directory, e);
        }
    }

    /** Deletes a directory with all that is in it; nothing if it is not there. */
    static void delete(Path directory) {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path entry : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(entry);
            }
        } catch (IOException e) {
            throw unwritable(directory, e);
        }
    }
}
