package dev.halftone.format;

import dev.halftone.checkpoint.SafetensorsWriter;
import dev.halftone.checkpoint.SafetensorsWriter.Declaration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Writes tensors as a Hugging Face checkpoint: one model.safetensors, or shards with an index beyond {@link #SHARD} bytes. */
public final class ModelWriter {
    private static final long SHARD = 5_000_000_000L;
    private static final Map<String, String> METADATA = Map.of("format", "pt");
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private ModelWriter() {}

    /** Writes one safetensors file. */
    public static void writeFile(Path file, List<StoredPart> parts) throws IOException {
        Map<String, StoredPart> byName = new HashMap<>();
        List<Declaration> declarations = new ArrayList<>();
        for (StoredPart part : parts) {
            byName.put(part.name(), part);
            declarations.add(part.declaration());
        }
        SafetensorsWriter.write(file, METADATA, declarations, (tensor, sink) -> {
            StoredPart part = byName.get(tensor.name());
            if (part == null) {
                throw new IllegalStateException("no bytes for " + tensor.name());
            }
            sink.write(part.bytes());
        });
    }

    /**
     * Writes all tensors, in the model's order. Where it fails, it leaves none of its files.
     *
     * @throws IllegalArgumentException if two tensors have the same name
     */
    public static void writeModel(Path directory, List<StoredPart> parts) throws IOException {
        writeModel(directory, parts, SHARD);
    }

    /** {@code limit}: bytes of tensors in a shard; one tensor beyond it has a shard of its own. */
    static void writeModel(Path directory, List<StoredPart> parts, long limit) throws IOException {
        List<Path> written = new ArrayList<>();
        try {
            writeShards(directory, parts, limit, written);
        } catch (IOException | RuntimeException | Error e) {
            for (Path file : written) {
                deleteAfter(e, file);
            }
            throw e;
        }
    }

    private static void deleteAfter(Throwable failure, Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private static void writeShards(Path directory, List<StoredPart> parts, long limit, List<Path> written)
            throws IOException {
        List<List<StoredPart>> shards = shards(parts, limit);
        if (shards.size() == 1) {
            writeFile(directory.resolve("model.safetensors"), parts);
            return;
        }
        Map<String, String> files = new TreeMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
            for (StoredPart part : shards.get(i)) {
                if (files.put(part.name(), name) != null) {
                    throw new IllegalArgumentException("two tensors are called " + part.name());
                }
            }
            writeFile(directory.resolve(name), shards.get(i));
            written.add(directory.resolve(name));
        }
        ObjectNode index = JSON.createObjectNode();
        long size = parts.stream().mapToLong(part -> part.bytes().byteSize()).sum();
        index.putObject("metadata").put("total_size", size);
        ObjectNode map = index.putObject("weight_map");
        files.forEach(map::put);
        Path file = directory.resolve("model.safetensors.index.json");
        written.add(file);
        writeJson(file, index);
    }

    private static List<List<StoredPart>> shards(List<StoredPart> parts, long limit) {
        List<List<StoredPart>> shards = new ArrayList<>();
        shards.add(new ArrayList<>());
        long size = 0;
        for (StoredPart part : parts) {
            if (size > 0 && size + part.bytes().byteSize() > limit) {
                shards.add(new ArrayList<>());
                size = 0;
            }
            shards.getLast().add(part);
            size += part.bytes().byteSize();
        }
        return shards;
    }

    /** Writes a JSON document, indented, with a final newline. */
    public static void writeJson(Path file, Object document) throws IOException {
        Files.write(file, (JSON.writeValueAsString(document) + "\n").getBytes(StandardCharsets.UTF_8));
    }
}
