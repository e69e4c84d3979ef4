package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The cache directory that huggingface_hub and all that build on it use:
 *
 * <pre>
 * models--OWNER--NAME/blobs/HASH                contents, named by SHA-256 or by git's SHA-1
 *                     snapshots/COMMIT/FILE     relative link to a blob (a hard link or a copy where there are no links)
 *                     refs/REVISION             the commit that a branch or tag stood at when it was pulled
 * </pre>
 *
 * <p>So a model that any of these programs pulled is there for all of them.
 */
public final class HubCache {
    private final Path directory;
    private final boolean links;

    /** The cache in this directory, which need not exist. */
    public HubCache(Path directory) {
        this(directory, true);
    }

    /** {@code links}: false to copy, as on a file system without links. */
    HubCache(Path directory, boolean links) {
        this.directory = directory.toAbsolutePath().normalize();
        this.links = links;
    }

    /**
     * What MODEL means: the path itself if there is something, else the model of this name in this user's cache.
     *
     * @return a directory or a .gguf file; the path as it is if it cannot be a model's name
     * @throws InputException HT-270, HT-272, HT-283
     */
    public static Path locate(Path model) {
        if (Files.exists(model)) {
            return model;
        }
        HubId id = HubId.read(model.toString().replace(File.separatorChar, '/'));
        if (id == null) {
            return model;
        }
        HubCache cache = new HubCache(HubEnvironment.current().cache());
        boolean justAWord = !id.hasOwner() && !Files.isDirectory(cache.root(id));
        return justAWord ? model : cache.model(id);
    }

    /** A pulled model: its snapshot, or the GGUF file in it if that is all it has. */
    Path model(HubId id) {
        Path snapshot = snapshot(id);
        if (Files.exists(snapshot.resolve("config.json"))) {
            return snapshot;
        }
        List<Path> files;
        try (Stream<Path> walk = Files.walk(snapshot, 4)) {
            files = walk.filter(file -> file.toString().endsWith(".gguf"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new InputException(
                    "HT-272", snapshot.toString(), "cannot be read: " + HubErrors.why(e), "check its permissions");
        }
        if (files.size() > 1) {
            throw new InputException(
                    "HT-283",
                    id.toString(),
                    files.size() + " GGUF files were pulled, for example " + snapshot.relativize(files.getFirst()),
                    "name one by its path under " + snapshot);
        }
        return files.isEmpty() ? snapshot : files.getFirst();
    }

    /**
     * The directory of a pulled model.
     *
     * @throws InputException HT-270 if it was never pulled, HT-272 if this revision was not
     */
    public Path snapshot(HubId id) {
        Path snapshots = root(id).resolve("snapshots");
        if (!Files.isDirectory(snapshots)) {
            throw new InputException(
                    "HT-270",
                    id.toString(),
                    "no such file or directory, and no model of this name in the hub cache " + directory,
                    "check the path, or run: halftone pull " + id);
        }
        String commit = commit(id, snapshots);
        if (commit == null || !Files.isDirectory(snapshots.resolve(commit))) {
            throw new InputException(
                    "HT-272",
                    id.repository(),
                    "revision " + id.revision() + " is not in the hub cache " + directory + " (there: "
                            + String.join(", ", revisions(id)) + ")",
                    "run: halftone pull " + id);
        }
        return snapshots.resolve(commit);
    }

    /** The commit that a revision names; null if that is not known here. */
    private @Nullable String commit(HubId id, Path snapshots) {
        Path ref = ref(id);
        if (Files.isRegularFile(ref)) {
            try {
                String commit = Files.readString(ref, StandardCharsets.UTF_8).strip();
                return HubId.isCommit(commit) ? commit : null;
            } catch (IOException e) {
                throw new InputException(
                        "HT-272", ref.toString(), "cannot be read: " + HubErrors.why(e), "check its permissions");
            }
        }
        if (!id.revision().matches("[0-9a-f]{7,40}")) {
            return null;
        }
        List<String> matching = names(snapshots).stream()
                .filter(name -> name.startsWith(id.revision()))
                .toList();
        return matching.size() == 1 ? matching.getFirst() : null;
    }

    /** Branches, tags and commits of this model, for a message. */
    private List<String> revisions(HubId id) {
        Path refs = root(id).resolve("refs");
        List<String> known = new ArrayList<>(names(root(id).resolve("snapshots")));
        if (Files.isDirectory(refs)) {
            try (Stream<Path> walk = Files.walk(refs)) {
                walk.filter(Files::isRegularFile)
                        .map(ref -> refs.relativize(ref).toString())
                        .sorted()
                        .forEach(known::add);
            } catch (IOException _) {
                known.add("and others that cannot be read");
            }
        }
        return known.isEmpty() ? List.of("nothing whole") : known;
    }

    private static List<String> names(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(path -> String.valueOf(path.getFileName()))
                    .sorted()
                    .toList();
        } catch (IOException _) {
            return List.of(); // the caller says that nothing was found there
        }
    }

    /** Where this model's parts lie. */
    Path root(HubId id) {
        return directory.resolve(id.folder());
    }

    Path blobs(HubId id) {
        return root(id).resolve("blobs");
    }

    Path snapshot(HubId id, String commit) {
        return root(id).resolve("snapshots").resolve(commit);
    }

    private Path ref(HubId id) {
        return root(id).resolve("refs").resolve(id.revision());
    }

    /**
     * True if the content is here and need not be fetched: a blob gets its name only after its hash was checked. (The Python
     * library moves it into the snapshot where there are no links.)
     */
    boolean has(HubId id, String commit, HubFile file) throws IOException {
        return isWhole(blobs(id).resolve(file.hash()), file)
                || isWhole(snapshot(id, commit).resolve(file.name()), file);
    }

    private static boolean isWhole(Path path, HubFile file) throws IOException {
        return Files.isRegularFile(path) && Files.size(path) == file.bytes();
    }

    /** Puts a file into a snapshot. */
    void link(HubId id, String commit, HubFile file) throws IOException {
        Path snapshot = snapshot(id, commit);
        Path place = snapshot.resolve(file.name()).normalize();
        if (!place.startsWith(snapshot) || place.equals(snapshot)) {
            throw new IllegalStateException("not checked: " + file.name());
        }
        Path blob = blobs(id).resolve(file.hash());
        boolean there = isWhole(place, file) && (!Files.exists(blob) || Files.isSameFile(place, blob) || !links);
        if (there) {
            return;
        }
        Path parent = Objects.requireNonNull(place.getParent());
        Files.createDirectories(parent);
        Path fresh = temporary(place);
        Files.deleteIfExists(fresh);
        if (!links || !linked(fresh, parent.relativize(blob), blob)) {
            Files.copy(blob, fresh);
        }
        Files.move(fresh, place, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A name beside {@code path} that no other pull uses, in this process or another one. */
    private static Path temporary(Path path) {
        long process = ProcessHandle.current().pid();
        long thread = Thread.currentThread().threadId();
        return path.resolveSibling(".%s.%d-%d.new".formatted(path.getFileName(), process, thread));
    }

    /** A relative link, so that the cache can be moved; else a hard link, which Windows grants to everyone. */
    private static boolean linked(Path fresh, Path relative, Path blob) {
        try {
            Files.createSymbolicLink(fresh, relative);
            return true;
        } catch (IOException | UnsupportedOperationException _) {
            // Windows without developer mode, or a file system that knows no links.
        }
        try {
            Files.createLink(fresh, blob);
            return true;
        } catch (IOException | UnsupportedOperationException _) {
            return false;
        }
    }

    /** The last step of a pull: from now on this revision is found. */
    void writeRef(HubId id, String commit) throws IOException {
        if (id.revision().equals(commit)) {
            return;
        }
        Path ref = ref(id);
        Files.createDirectories(ref.getParent());
        Path fresh = temporary(ref);
        Files.writeString(fresh, commit);
        Files.move(fresh, ref, StandardCopyOption.ATOMIC_MOVE);
    }
}
