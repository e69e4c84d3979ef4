package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What a checkpoint says of the quantization that it already carries, in words. */
final class CarriedQuantization {
    private CarriedQuantization() {}

    /** "none", or the method with its bits and groups as config.json names them, or the block types of a GGUF file. */
    static String describe(Checkpoint checkpoint) {
        ObjectNode config = checkpoint.config();
        String method = PackedLayout.method(config);
        if (PackedLayout.isPacked(config)) {
            Map<String, Integer> formats = new TreeMap<>();
            PackedLayout.formats(config, checkpoint.path().toString())
                    .values()
                    .forEach(format -> formats.merge(format.label(), 1, Integer::sum));
            PackedBlocks.layouts(config, checkpoint.path().toString())
                    .values()
                    .forEach(layout -> formats.merge(layout.name(), 1, Integer::sum));
            List<String> parts = new ArrayList<>();
            formats.forEach((label, count) -> parts.add(count + " weights " + label));
            config.path(PackedLayout.KEY)
                    .path(PackedCache.KEY)
                    .forEach(entry -> parts.add("%d keys and values int%d"
                            .formatted(
                                    entry.path("sites").size(),
                                    entry.path("bits").asInt(0))));
            return "halftone, " + String.join(", ", parts);
        }
        if (!method.isEmpty()) {
            return foreign(method, config.path(PackedLayout.KEY));
        }
        Set<String> blocks = new LinkedHashSet<>();
        for (String name : checkpoint.names()) {
            String type = checkpoint.tensor(name).type();
            if (type.matches("I?Q[0-9].*|TQ.*|MXFP.*|NVFP.*|F8.*|F4")) {
                blocks.add(type);
            }
        }
        return blocks.isEmpty() ? "none" : String.join(", ", blocks);
    }

    /** GPTQ and AWQ name their figures at the top, compressed-tensors per group of weights. */
    private static String foreign(String method, JsonNode section) {
        List<String> parts = new ArrayList<>(List.of(method));
        List<JsonNode> figures = new ArrayList<>(List.of(section));
        section.path("config_groups").forEach(group -> figures.add(group.path("weights")));
        for (JsonNode node : figures) {
            int bits = node.path("bits").asInt(node.path("num_bits").asInt(0));
            int group = node.path("group_size").asInt(0);
            if (bits > 0) {
                parts.add(bits + " bits");
            }
            if (group > 0) {
                parts.add("groups of " + group);
            }
            JsonNode symmetric = node.path("sym").isBoolean() ? node.path("sym") : node.path("symmetric");
            if (symmetric.isBoolean()) {
                parts.add(symmetric.asBoolean() ? "symmetric" : "asymmetric");
            }
        }
        return String.join(", ", parts);
    }
}
