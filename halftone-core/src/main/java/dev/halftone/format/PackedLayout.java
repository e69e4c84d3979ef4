package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.error.InputException;
import dev.halftone.model.LinearSite;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Packed weights in the Hugging Face layout. A weight W (out, in) of {@link IntGroup} format becomes, in the safetensors files,
 *
 * <ul>
 *   <li>{@code W.codes} U8 (out, ceil(in * bits / 8))
 *   <li>{@code W.scales} F16 (out, groups)
 *   <li>{@code W.zeros} U8 (out, ceil(groups * bits / 8)), asymmetric formats only
 * </ul>
 *
 * <p>laid out as {@link PackedWeight} says. config.json names them: {@code "quantization_config": {"quant_method": "halftone",
 * "format_version": 1, "formats": [{"bits": 3, "group": 64, "symmetric": false, "weights": ["model.layers.0..."]}]}}.
 * Quantized inputs: {@link PackedInputs}.
 */
public final class PackedLayout {
    /** What this build writes, and the newest it reads. */
    static final int VERSION = 1;

    static final String KEY = "quantization_config";
    private static final String METHOD = "halftone";

    private PackedLayout() {}

    /** The tensors that hold a packed weight. */
    public static List<StoredPart> parts(String weight, PackedWeight packed) {
        IntGroup format = packed.format();
        int out = packed.out();
        int in = packed.in();
        List<StoredPart> parts = new ArrayList<>();
        parts.add(new StoredPart(
                weight + ".codes", SafetensorsDtype.U8, new long[] {out, format.codeBytes(in)}, packed.codes()));
        parts.add(new StoredPart(
                weight + ".scales", SafetensorsDtype.F16, new long[] {out, format.groups(in)}, packed.scales()));
        if (!format.symmetric()) {
            parts.add(new StoredPart(
                    weight + ".zeros", SafetensorsDtype.U8, new long[] {out, format.zeroBytes(in)}, packed.zeros()));
        }
        return parts;
    }

    /** True if a tensor of this name belongs to the quantized input of a linear. */
    public static boolean ofInputs(String name) {
        return PackedInputs.owns(name);
    }

    /** The tensors that quantized inputs need; what they hold lives in the arena. */
    public static List<StoredPart> parts(InputRounding inputs, List<LinearSite> linears, Arena arena) {
        return PackedInputs.parts(inputs, linears, arena);
    }

    /** The quantization method that a config names, empty if the model is not quantized. */
    static String method(ObjectNode config) {
        return config.path(KEY).path("quant_method").asString(config.has(KEY) ? "unknown" : "");
    }

    static boolean isPacked(ObjectNode config) {
        return method(config).equals(METHOD);
    }

    /** Adds to a config which weights are packed and which inputs are quantized, and how. */
    public static void describe(ObjectNode config, Map<String, IntGroup> formats, InputRounding inputs) {
        ObjectNode section = config.putObject(KEY);
        section.put("quant_method", METHOD);
        section.put("format_version", VERSION);
        Map<IntGroup, ArrayNode> lists = new LinkedHashMap<>();
        ArrayNode entries = section.putArray("formats");
        formats.forEach((weight, format) -> lists.computeIfAbsent(format, f -> {
                    ObjectNode entry = entries.addObject();
                    entry.put("bits", f.bits());
                    entry.put("group", f.group());
                    entry.put("symmetric", f.symmetric());
                    return entry.putArray("weights");
                })
                .add(weight));
        if (!inputs.formats().isEmpty()) {
            PackedInputs.describe(section, inputs);
        }
    }

    /** The packed weights that a config names. */
    public static Map<String, IntGroup> formats(ObjectNode config, String place) {
        JsonNode section = config.path(KEY);
        int version = section.path("format_version").asInt(0);
        if (version < 1 || version > VERSION) {
            throw new InputException(
                    "HT-405",
                    place,
                    "packed format version %d; this build reads up to %d".formatted(version, VERSION),
                    "use the Halftone that wrote it, or a newer one");
        }
        Map<String, IntGroup> formats = new TreeMap<>();
        for (JsonNode entry : section.path("formats")) {
            IntGroup format = new IntGroup(
                    entry.path("bits").asInt(0),
                    entry.path("group").asInt(0),
                    entry.path("symmetric").asBoolean(false));
            for (JsonNode weight : entry.path("weights")) {
                formats.put(weight.asString(""), format);
            }
        }
        return formats;
    }

    /** A packed weight as it lies in a checkpoint. */
    static PackedWeight read(Checkpoint checkpoint, String weight, IntGroup format) {
        long[] codes = matrix(checkpoint, weight + ".codes", "U8");
        long[] scales = matrix(checkpoint, weight + ".scales", "F16");
        long in = codes[1] * 8 / format.bits();
        if (codes[0] != scales[0]
                || codes[0] > Integer.MAX_VALUE
                || in > Integer.MAX_VALUE
                || in < 1
                || !format.divides((int) in)
                || format.groups((int) in) != scales[1]) {
            throw new InputException(
                    "HT-406",
                    weight,
                    "codes (%d, %d) and scales (%d, %d) do not belong together for %s"
                            .formatted(codes[0], codes[1], scales[0], scales[1], format.label()),
                    "quantize the model again");
        }
        return new PackedWeight(
                format,
                (int) codes[0],
                (int) in,
                checkpoint.tensor(weight + ".codes").bytes(),
                checkpoint.tensor(weight + ".scales").bytes(),
                format.symmetric()
                        ? java.lang.foreign.MemorySegment.NULL
                        : checkpoint.tensor(weight + ".zeros").bytes());
    }

    private static long[] matrix(Checkpoint checkpoint, String name, String type) {
        var tensor = checkpoint.tensor(name);
        if (!tensor.type().equals(type) || tensor.shape().length != 2) {
            throw new InputException(
                    "HT-406",
                    name,
                    "%s with %d dimensions; expected %s with 2".formatted(tensor.type(), tensor.shape().length, type),
                    "quantize the model again");
        }
        return tensor.shape();
    }
}
