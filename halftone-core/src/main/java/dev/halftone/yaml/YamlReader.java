package dev.halftone.yaml;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;

/** One mapping of a YAML file, read key by key; every complaint names file, line and column. */
public final class YamlReader {
    private static final int LARGEST_FILE = 1 << 20;
    private final String file;
    private final MappingNode mapping;
    private final Map<String, Node> values = new LinkedHashMap<>();
    private final Set<String> read = new TreeSet<>();

    private YamlReader(String file, MappingNode mapping) {
        this.file = file;
        this.mapping = mapping;
        for (NodeTuple tuple : mapping.getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                throw error(tuple.getKeyNode(), "a key is not plain text");
            }
            if (values.put(key.getValue(), tuple.getValueNode()) != null) {
                throw error(key, "\"" + key.getValue() + "\" is there twice");
            }
        }
    }

    /** The document, which must be one mapping. */
    public static YamlReader document(String file, String text) {
        if (text.length() > LARGEST_FILE) {
            throw new InputException("HT-420", file, "is over 1 MB: not a recipe", "");
        }
        try {
            LoadSettings settings = LoadSettings.builder()
                    .setLabel(file)
                    .setMaxAliasesForCollections(0)
                    .build();
            Node root = new Compose(settings).composeString(text).orElse(null);
            if (!(root instanceof MappingNode mapping)) {
                throw new InputException(
                        "HT-420", file, "holds no mapping of keys to values", "a recipe starts with \"steps:\"");
            }
            return new YamlReader(file, mapping);
        } catch (MarkedYamlEngineException e) {
            String place = e.getProblemMark()
                    .map(mark -> file + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
                    .orElse(file);
            throw new InputException("HT-420", place, "is not YAML: " + e.getProblem(), "");
        } catch (YamlEngineException e) {
            throw new InputException("HT-420", file, "is not YAML: " + e.getMessage(), "");
        }
    }

    /** file:line:column of this mapping. */
    public String place() {
        return place(mapping);
    }

    /** file:line:column of a key's value. */
    public String place(String key) {
        Node node = values.get(key);
        return node == null ? place() : place(node);
    }

    public boolean has(String key) {
        read.add(key);
        return values.containsKey(key);
    }

    /** The keys, in the order of the file. */
    public List<String> keys() {
        return List.copyOf(values.keySet());
    }

    /** True if the key is there and its value is a mapping. */
    public boolean isMapping(String key) {
        return take(key) instanceof MappingNode;
    }

    public @Nullable YamlReader mapping(String key) {
        Node node = take(key);
        if (node == null) {
            return null;
        }
        if (!(node instanceof MappingNode value)) {
            throw error(node, "\"" + key + "\" is not a mapping");
        }
        return new YamlReader(file, value);
    }

    public List<YamlReader> mappings(String key) {
        Node node = take(key);
        if (!(node instanceof SequenceNode sequence) || sequence.getValue().isEmpty()) {
            throw error(node == null ? mapping : node, "\"" + key + "\" must be a list with at least one entry");
        }
        List<YamlReader> result = new ArrayList<>();
        for (Node entry : sequence.getValue()) {
            if (!(entry instanceof MappingNode value)) {
                throw error(entry, "an entry of \"" + key + "\" is not a mapping");
            }
            result.add(new YamlReader(file, value));
        }
        return result;
    }

    public List<String> strings(String key, List<String> absent) {
        Node node = take(key);
        return switch (node) {
            case null -> absent;
            case ScalarNode scalar -> List.of(scalar.getValue());
            case SequenceNode sequence -> {
                List<String> result = new ArrayList<>();
                for (Node entry : sequence.getValue()) {
                    if (!(entry instanceof ScalarNode scalar)) {
                        throw error(entry, "an entry of \"" + key + "\" is not text");
                    }
                    result.add(scalar.getValue());
                }
                yield result;
            }
            default -> throw error(node, "\"" + key + "\" is neither text nor a list of texts");
        };
    }

    public String string(String key, String absent) {
        return has(key) ? scalar(key).getValue() : absent;
    }

    public int integer(String key, int absent) {
        if (!has(key)) {
            return absent;
        }
        ScalarNode node = scalar(key);
        try {
            return Integer.parseInt(node.getValue());
        } catch (NumberFormatException e) {
            throw error(node, "\"" + key + "\" is \"" + node.getValue() + "\"; expected a whole number");
        }
    }

    public long wide(String key, long absent) {
        if (!has(key)) {
            return absent;
        }
        ScalarNode node = scalar(key);
        try {
            return Long.parseLong(node.getValue());
        } catch (NumberFormatException e) {
            throw error(node, "\"" + key + "\" is \"" + node.getValue() + "\"; expected a whole number");
        }
    }

    public double number(String key, double absent) {
        if (!has(key)) {
            return absent;
        }
        ScalarNode node = scalar(key);
        try {
            return Double.parseDouble(node.getValue());
        } catch (NumberFormatException e) {
            throw error(node, "\"" + key + "\" is \"" + node.getValue() + "\"; expected a number");
        }
    }

    public boolean flag(String key, boolean absent) {
        if (!has(key)) {
            return absent;
        }
        ScalarNode node = scalar(key);
        return switch (node.getValue()) {
            case "true" -> true;
            case "false" -> false;
            default -> throw error(node, "\"" + key + "\" is \"" + node.getValue() + "\"; expected true or false");
        };
    }

    /** Fails if there is a key that nobody asked for: most often a misspelt one. */
    public void finish() {
        for (Map.Entry<String, Node> entry : values.entrySet()) {
            if (!read.contains(entry.getKey())) {
                throw error(
                        entry.getValue(),
                        "\"" + entry.getKey() + "\" is not known here; known are " + String.join(", ", read));
            }
        }
    }

    public InputException error(String key, String finding) {
        return new InputException("HT-421", place(key), finding, "");
    }

    private InputException error(Node node, String finding) {
        return new InputException("HT-421", place(node), finding, "");
    }

    private ScalarNode scalar(String key) {
        Node node = take(key);
        if (!(node instanceof ScalarNode scalar)) {
            throw error(node == null ? mapping : node, "\"" + key + "\" is not a single value");
        }
        return scalar;
    }

    private @Nullable Node take(String key) {
        read.add(key);
        return values.get(key);
    }

    private String place(Node node) {
        return node.getStartMark()
                .map(mark -> file + ":" + (mark.getLine() + 1) + ":" + (mark.getColumn() + 1))
                .orElse(file);
    }
}
