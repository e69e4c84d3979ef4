package dev.halftone.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/**
 * A validated, memory-mapped model on disk: its tensors under their Hugging Face names, and its config in Hugging Face
 * terms whatever the file format. Closing it unmaps the files: tensors must not be used afterwards.
 */
public interface Checkpoint extends AutoCloseable {
    /** The directory or file the user named. */
    Path path();

    /** "safetensors", "gguf" or "onnx". */
    String format();

    /** config.json, or what a GGUF's metadata or an ONNX graph says in config.json's keys. A copy: callers may change it. */
    ObjectNode config();

    /** Tensor names in the order of the files. */
    Set<String> names();

    /**
     * The tensor of that Hugging Face name.
     *
     * @throws dev.halftone.error.InputException HT-230 if there is none
     */
    StoredTensor tensor(String name);

    /** The files that hold the tensors, for hashing and reports. */
    List<Path> files();

    /** What was left out while opening, one line each; callers show or record it. */
    default List<String> warnings() {
        return List.of();
    }

    @Override
    void close();
}
