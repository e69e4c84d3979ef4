package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockWeight;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Weights in the blocks of GGUF types, in the Hugging Face layout: {@code W.blocks} U8 (out, bytes of a row), each row as a GGUF file
 * stores it, rows in Hugging Face order. config.json names them beside the other packed weights: {@code "quantization_config":
 * {..., "blocks": [{"type": "Q4_K", "weights": ["model.layers.0..."]}]}}, which needs format version 4.
 */
public final class PackedBlocks {
    /** The format version that has blocks. */
    static final int VERSION = 4;

    /** What follows the weight's name in the name of the tensor that holds it. */
    public static final String SUFFIX = ".blocks";

    private static final String KEY = "blocks";

    private PackedBlocks() {}

    /** The tensor that holds a weight. */
    public static StoredPart part(String weight, BlockWeight blocks) {
        return new StoredPart(
                weight + SUFFIX,
                SafetensorsDtype.U8,
                new long[] {blocks.out(), blocks.layout().rowBytes(blocks.in())},
                blocks.bytes());
    }

    /** Adds to a config's quantization section which weights are blocks, and of which type. */
    public static void describe(ObjectNode config, Map<String, BlockLayout> layouts) {
        if (layouts.isEmpty()) {
            return;
        }
        ObjectNode section = (ObjectNode) config.get(PackedLayout.KEY);
        PackedLayout.atLeast(section, VERSION);
        Map<BlockLayout, ArrayNode> lists = new LinkedHashMap<>();
        ArrayNode entries = section.putArray(KEY);
        layouts.forEach((weight, layout) -> lists.computeIfAbsent(
                        layout,
                        type -> entries.addObject().put("type", type.name()).putArray("weights"))
                .add(weight));
    }

    /** The weights that a config names, and their types. */
    public static Map<String, BlockLayout> layouts(ObjectNode config, String place) {
        Map<String, BlockLayout> layouts = new TreeMap<>();
        for (JsonNode entry : config.path(PackedLayout.KEY).path(KEY)) {
            String type = entry.path("type").asString("");
            BlockLayout layout = Arrays.stream(BlockLayout.values())
                    .filter(known -> known.name().equals(type))
                    .findFirst()
                    .orElseThrow(() -> new InputException(
                            "HT-405",
                            place,
                            "packed weights of type \"%s\", which this build does not know".formatted(type),
                            "use the Halftone that wrote it, or a newer one"));
            entry.path("weights").forEach(weight -> layouts.put(weight.asString(""), layout));
        }
        return layouts;
    }

    /** All weights in blocks of a checkpoint. */
    static Map<String, BlockWeight> read(Checkpoint checkpoint, String place) {
        Map<String, BlockWeight> weights = new TreeMap<>();
        layouts(checkpoint.config(), place).forEach((weight, layout) -> {
            StoredTensor stored = checkpoint.tensor(weight + SUFFIX);
            long[] shape = stored.shape();
            if (!stored.type().equals(SafetensorsDtype.U8.name())
                    || shape.length != 2
                    || shape[1] % layout.type().blockBytes() != 0) {
                throw new InputException(
                        "HT-406",
                        stored.name(),
                        "%s %s is no matrix of %s blocks".formatted(stored.type(), Arrays.toString(shape), layout),
                        "quantize the model again");
            }
            int in = Math.toIntExact(shape[1] / layout.type().blockBytes() * layout.block());
            weights.put(weight, new BlockWeight(layout, Math.toIntExact(shape[0]), in, stored.bytes()));
        });
        return weights;
    }
}
