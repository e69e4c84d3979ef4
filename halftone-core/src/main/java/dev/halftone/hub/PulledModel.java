package dev.halftone.hub;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model that is now in the cache.
 *
 * @param directory the snapshot: a model directory
 */
public record PulledModel(HubId id, String commit, Path directory, List<PulledFile> files) {
    /**
     * One file.
     *
     * @param downloadedBytes bytes that came over the connection; 0 if all were there
     * @param sha256 hash of a file in large-file storage, else null
     * @param gitSha1 hash of the git blob of any other file, else null
     */
    public record PulledFile(
            String name,
            long bytes,
            long downloadedBytes,
            @Nullable String sha256,
            @Nullable String gitSha1) {}

    public long bytes() {
        return files.stream().mapToLong(PulledFile::bytes).sum();
    }

    public long downloadedBytes() {
        return files.stream().mapToLong(PulledFile::downloadedBytes).sum();
    }
}
