package dev.halftone.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Opens models on disk. */
public final class Checkpoints {
    private Checkpoints() {}

    /**
     * Maps and checks a model: a Hugging Face directory (config.json with model.safetensors, or with
     * model.safetensors.index.json and its shards), a .gguf file, or an encoder in an .onnx file or a .jar.
     *
     * @throws dev.halftone.error.InputException HT-2xx, a code for each way in which it is not usable (docs/errors.md)
     */
    public static Checkpoint open(Path path) {
        if (Files.isDirectory(path)) {
            return SafetensorsCheckpoint.open(path);
        }
        if (!Files.exists(path)) {
            throw Findings.error("HT-231", path.toString(), "no such file or directory", "check the path");
        }
        String name = String.valueOf(path.getFileName()).toLowerCase(Locale.ROOT);
        if (name.endsWith(".gguf")) {
            return GgufCheckpoint.open(path);
        }
        if (name.endsWith(".onnx") || name.endsWith(".jar")) {
            return OnnxCheckpoint.open(path);
        }
        throw Findings.error(
                "HT-232",
                path.toString(),
                "neither a model directory nor a .gguf, .onnx or .jar file",
                name.endsWith(".safetensors")
                        ? "name the directory that holds it and its config.json"
                        : "name one of these");
    }
}
