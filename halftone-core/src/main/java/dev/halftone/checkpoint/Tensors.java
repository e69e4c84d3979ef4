package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Small checks and wording that the file formats share. */
final class Tensors {
    private Tensors() {}

    /**
     * The tensor of that name.
     *
     * @throws InputException HT-230 if there is none
     */
    static StoredTensor named(Path path, Map<String, StoredTensor> tensors, String name) {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw missing(path, name, tensors.keySet());
        }
        return tensor;
    }

    static InputException missing(Path path, String name, Set<String> names) {
        String some = names.stream().limit(3).collect(Collectors.joining(", "));
        return Findings.error(
                "HT-230",
                path.toString(),
                "no tensor %s among the %d%s"
                        .formatted(
                                name,
                                names.size(),
                                names.isEmpty() ? "" : " (" + some + (names.size() > 3 ? ", ...)" : ")")),
                "check that the model is complete and that config.json belongs to it");
    }

    /** True if a string can be written as UTF-8: no half surrogate pairs. */
    static boolean isText(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    /** A shape for messages; a long one is cut. */
    static String show(long[] shape) {
        return shape.length <= 8
                ? Arrays.toString(shape)
                : Arrays.stream(shape)
                        .limit(8)
                        .mapToObj(Long::toString)
                        .collect(Collectors.joining(", ", "[", ", ...]"));
    }
}
