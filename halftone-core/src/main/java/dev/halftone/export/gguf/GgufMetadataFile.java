package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.checkpoint.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * The metadata of a GGUF file, kept beside a model that was made from it: a GGUF file without tensors. What it says of tokenizer and
 * architecture goes into files that are exported later.
 */
public final class GgufMetadataFile {
    /** Its name in the model's directory. */
    public static final String NAME = "metadata.gguf";

    private GgufMetadataFile() {}

    /** Keeps the metadata of a model in a directory. */
    public static void write(GgufCheckpoint source, Path directory) throws IOException {
        GgufWriter.write(directory.resolve(NAME), source.storedMetadata(), List.of(), (tensor, _) -> {
            throw new IllegalStateException("no tensors, but " + tensor);
        });
    }
}
