package dev.halftone.training;

import dev.halftone.yaml.YamlReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Files by pattern, in the order of their names: a directory's own order differs between machines. */
final class TextGlobs {
    private TextGlobs() {}

    /** Matches of every pattern of a key; none where the key is absent; a pattern without a match is an error. */
    static List<Path> files(YamlReader reader, String key, Path directory) {
        List<Path> all = new ArrayList<>();
        for (String pattern : reader.strings(key, List.of())) {
            Path absolute = directory.toAbsolutePath().resolve(pattern).normalize();
            Path folder = absolute.getParent();
            PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + absolute);
            List<Path> found = List.of();
            if (folder != null && Files.isDirectory(folder)) {
                try (Stream<Path> entries = Files.list(folder)) {
                    found = entries.filter(Files::isRegularFile)
                            .filter(matcher::matches)
                            .sorted()
                            .toList();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            if (found.isEmpty()) {
                throw reader.error(key, "no file matches " + absolute);
            }
            all.addAll(found);
        }
        return all;
    }
}
