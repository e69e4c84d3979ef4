package dev.halftone.checkpoint;

import dev.halftone.error.InputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A Hugging Face directory: config.json and either model.safetensors or model.safetensors.index.json with its shards. If
 * there is an index, its weight_map is the truth: tensors it does not name are left out, with a warning.
 */
final class SafetensorsCheckpoint implements Checkpoint {
    static final String CONFIG = "config.json";
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    /** Python writes Infinity and NaN (time_step_limit of Mamba-2, say); duplicate keys have no meaning. */
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private final Path directory;
    private final ObjectNode config;
    private final List<SafetensorsFile> shards;
    private final Map<String, StoredTensor> tensors;
    private final List<String> warnings;

    private SafetensorsCheckpoint(
            Path directory,
            ObjectNode config,
            List<SafetensorsFile> shards,
            Map<String, StoredTensor> tensors,
            List<String> warnings) {
        this.directory = directory;
        this.config = config;
        this.shards = shards;
        this.tensors = Collections.unmodifiableMap(tensors);
        this.warnings = warnings;
    }

    static SafetensorsCheckpoint open(Path directory) {
        ObjectNode config = readConfig(directory.resolve(CONFIG));
        List<SafetensorsFile> opened = new ArrayList<>();
        try {
            Path index = directory.resolve(INDEX);
            if (Files.exists(index)) {
                return openSharded(directory, config, index, opened);
            }
            if (!Files.exists(directory.resolve(SINGLE))) {
                throw Findings.error(
                        "HT-235",
                        directory.toString(),
                        "neither %s nor %s".formatted(SINGLE, INDEX),
                        "convert the weights to safetensors, or name the .gguf file itself");
            }
            SafetensorsFile file = SafetensorsFile.open(directory.resolve(SINGLE));
            opened.add(file);
            Map<String, StoredTensor> tensors = new LinkedHashMap<>();
            file.names().forEach(name -> tensors.put(name, file.tensor(name)));
            return new SafetensorsCheckpoint(directory, config, opened, tensors, List.of());
        } catch (RuntimeException | Error e) {
            opened.forEach(SafetensorsFile::close);
            throw e;
        }
    }

    private static SafetensorsCheckpoint openSharded(
            Path directory, ObjectNode config, Path index, List<SafetensorsFile> opened) {
        Map<String, String> weightMap = readWeightMap(index);
        Map<String, SafetensorsFile> shards = new TreeMap<>();
        for (String shard : weightMap.values()) {
            if (!shards.containsKey(shard)) {
                SafetensorsFile file = SafetensorsFile.open(shardPath(directory, index, shard));
                opened.add(file);
                shards.put(shard, file);
            }
        }
        weightMap.forEach((name, shard) -> {
            SafetensorsFile file = shards.get(shard);
            if (file != null && !file.names().contains(name)) {
                throw Findings.error(
                        "HT-239",
                        index.toString(),
                        "%s should be in %s, but is not".formatted(name, shard),
                        "download the index and this shard again");
            }
        });
        // The order of the files: shard by shard, each by offsets.
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        List<String> warnings = new ArrayList<>();
        shards.forEach((shard, file) -> {
            for (String name : file.names()) {
                if (shard.equals(weightMap.get(name))) {
                    tensors.put(name, file.tensor(name));
                } else {
                    warnings.add("%s: %s is not in the index for this file and was left out"
                            .formatted(shard, Findings.printable(name)));
                }
            }
        });
        return new SafetensorsCheckpoint(
                directory, config, List.copyOf(shards.values()), tensors, List.copyOf(warnings));
    }

    private static Path shardPath(Path directory, Path index, String shard) {
        boolean plain = !shard.isBlank()
                && shard.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ')
                && !shard.contains("..");
        if (!plain) {
            throw Findings.error(
                    "HT-238",
                    index.toString(),
                    "'%s' is not a plain file name".formatted(shard),
                    "an index may only name files beside itself");
        }
        Path path = directory.resolve(shard);
        if (!Files.exists(path)) {
            throw Findings.error(
                    "HT-237",
                    path.toString(),
                    "this shard is named in %s, but missing".formatted(INDEX),
                    "download it");
        }
        return path;
    }

    private static Map<String, String> readWeightMap(Path index) {
        if (!(readJson(index, "HT-236") instanceof ObjectNode root)
                || !(root.get("weight_map") instanceof ObjectNode map)) {
            throw indexError(index, "no object 'weight_map'");
        }
        Map<String, String> weightMap = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            if (!entry.getValue().isString()) {
                throw indexError(index, "the file of %s is not a string".formatted(entry.getKey()));
            }
            weightMap.put(entry.getKey(), entry.getValue().stringValue());
        }
        if (weightMap.isEmpty()) {
            throw indexError(index, "'weight_map' names no tensor");
        }
        return weightMap;
    }

    private static InputException indexError(Path index, String finding) {
        return Findings.error("HT-236", index.toString(), finding, "download the index again");
    }

    private static ObjectNode readConfig(Path file) {
        if (!Files.exists(file)) {
            throw Findings.error(
                    "HT-233",
                    String.valueOf(file.getParent()),
                    "no config.json",
                    "name a Hugging Face model directory, or a .gguf file");
        }
        if (readJson(file, "HT-234") instanceof ObjectNode config) {
            return config;
        }
        throw Findings.error("HT-234", file.toString(), "is not a JSON object", "download it again");
    }

    private static JsonNode readJson(Path file, String code) {
        try {
            return JSON.readTree(MappedFile.readAll(file));
        } catch (JacksonException e) {
            throw Findings.error(code, file.toString(), "is not JSON: " + e.getOriginalMessage(), "download it again");
        }
    }

    @Override
    public Path path() {
        return directory;
    }

    @Override
    public String format() {
        return "safetensors";
    }

    @Override
    public ObjectNode config() {
        return config.deepCopy();
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public StoredTensor tensor(String name) {
        return Tensors.named(directory, tensors, name);
    }

    @Override
    public List<Path> files() {
        return shards.stream().map(SafetensorsFile::path).toList();
    }

    @Override
    public List<String> warnings() {
        return warnings;
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }
}
