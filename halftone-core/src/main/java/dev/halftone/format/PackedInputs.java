package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.InputFormat.Float8;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Int;
import dev.halftone.format.InputFormat.Levels;
import dev.halftone.format.InputFormat.Numbers;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.model.LinearSite;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How config.json says that inputs are quantized: in {@code quantization_config}, {@code "inputs": [{"format": "int8",
 * "symmetric": true, "granularity": "token", "group": 0, "weights": ["model.layers.0..."]}]}; formats of {@link LevelGroup} have
 * their {@code "rule"} instead of {@code "symmetric"}. The range of a static format is the
 * tensor {@code W.input_range} F32 (2). An input that is divided channel by channel first has {@code W.input_scale} F32 (in).
 */
final class PackedInputs {
    private static final String KEY = "inputs";
    private static final String RANGE = ".input_range";
    private static final String SCALE = ".input_scale";
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private PackedInputs() {}

    /** Adds the inputs to the section of the packed weights. */
    static void describe(ObjectNode section, InputRounding inputs) {
        Map<InputFormat, ArrayNode> lists = new LinkedHashMap<>();
        ArrayNode entries = section.putArray(KEY);
        new TreeMap<>(inputs.formats())
                .forEach((weight, format) -> lists.computeIfAbsent(format, f -> {
                            ObjectNode entry = entries.addObject();
                            entry.put("format", name(f.numbers()));
                            if (f.numbers() instanceof Int(int _, boolean symmetric)) {
                                entry.put("symmetric", symmetric);
                            }
                            if (f.numbers() instanceof Levels levels) {
                                entry.put("rule", levels.format().rule().title());
                            }
                            entry.put("granularity", f.granularity().name().toLowerCase(Locale.ROOT));
                            entry.put("group", f.group());
                            return entry.putArray("weights");
                        })
                        .add(weight));
    }

    static boolean owns(String name) {
        return name.endsWith(RANGE) || name.endsWith(SCALE);
    }

    /** The tensors that the inputs of these linears need. */
    static List<StoredPart> parts(InputRounding inputs, List<LinearSite> linears, Arena arena) {
        List<StoredPart> parts = new ArrayList<>();
        for (LinearSite site : linears) {
            Range range = inputs.ranges().get(site.weight());
            if (range != null) {
                parts.add(part(site.weight() + RANGE, new float[] {range.least(), range.most()}, arena));
            }
            float[] scale = inputs.scales().get(site.weight());
            if (scale != null) {
                parts.add(part(site.weight() + SCALE, scale, arena));
            }
        }
        return parts;
    }

    private static StoredPart part(String name, float[] values, Arena arena) {
        MemorySegment memory = arena.allocate((long) values.length * Float.BYTES, Float.BYTES);
        for (int i = 0; i < values.length; i++) {
            memory.set(FLOAT, (long) i * Float.BYTES, values[i]);
        }
        return new StoredPart(name, SafetensorsDtype.F32, new long[] {values.length}, memory);
    }

    /**
     * What a packed checkpoint says.
     *
     * @throws InputException HT-409
     */
    static InputRounding read(Checkpoint checkpoint, List<LinearSite> linears, String place) {
        Set<String> known = linears.stream().map(LinearSite::weight).collect(Collectors.toSet());
        Map<String, InputFormat> formats = new TreeMap<>();
        Map<String, Range> ranges = new TreeMap<>();
        for (JsonNode entry : checkpoint.config().path(PackedLayout.KEY).path(KEY)) {
            InputFormat format = format(entry, place);
            for (JsonNode node : entry.path("weights")) {
                String weight = node.asString("");
                if (!known.contains(weight)) {
                    throw error(
                            place, "the inputs of \"" + weight + "\" are quantized, and the model has no such weight");
                }
                formats.put(weight, format);
                if (format.granularity() == Granularity.STATIC) {
                    ranges.put(weight, range(checkpoint.tensor(weight + RANGE), place));
                }
            }
        }
        InputRounding rounding = new InputRounding(formats);
        ranges.forEach(rounding::calibrate);
        for (LinearSite site : linears) {
            if (checkpoint.names().contains(site.weight() + SCALE)) {
                rounding.divide(site.weight(), scale(checkpoint.tensor(site.weight() + SCALE), site.in(), place));
            }
        }
        return rounding;
    }

    private static InputFormat format(JsonNode entry, String place) {
        Optional<Numbers> numbers = Numbers.named(
                entry.path("format").asString(""), entry.path("symmetric").asBoolean(true));
        String granularity = entry.path("granularity").asString("").toUpperCase(Locale.ROOT);
        for (Granularity known : Granularity.values()) {
            if (numbers.isPresent() && known.name().equals(granularity)) {
                return new InputFormat(
                        ruled(numbers.get(), entry, place),
                        known,
                        entry.path("group").asInt(0));
            }
        }
        throw error(place, "quantized inputs of an unknown kind: " + entry.path("format") + " " + granularity);
    }

    private static Numbers ruled(Numbers numbers, JsonNode entry, String place) {
        if (!(numbers instanceof Levels(String name, LevelGroup format))) {
            return numbers;
        }
        String title = entry.path("rule").asString("");
        ScaleRule rule =
                ScaleRule.titled(title).orElseThrow(() -> error(place, "quantized inputs of rule \"" + title + "\""));
        return new Levels(name, format.withRule(rule));
    }

    private static Range range(StoredTensor tensor, String place) {
        if (!tensor.type().equals("F32") || tensor.elements() != 2) {
            throw error(place, tensor.name() + " has " + tensor.elements() + " elements of " + tensor.type());
        }
        return new Range(tensor.bytes().get(FLOAT, 0), tensor.bytes().get(FLOAT, Float.BYTES));
    }

    private static float[] scale(StoredTensor tensor, int in, String place) {
        if (!tensor.type().equals("F32") || tensor.elements() != in) {
            throw error(place, tensor.name() + " has " + tensor.elements() + " elements of " + tensor.type());
        }
        float[] scale = new float[in];
        for (int i = 0; i < in; i++) {
            scale[i] = tensor.bytes().get(FLOAT, (long) i * Float.BYTES);
        }
        return scale;
    }

    private static InputException error(String place, String finding) {
        return new InputException("HT-409", place, finding, "quantize the model again, or use a newer Halftone");
    }

    private static String name(Numbers numbers) {
        return switch (numbers) {
            case Int grid -> "int" + grid.bits();
            case Float8 grid -> "fp8_" + grid.name().toLowerCase(Locale.ROOT);
            case Levels levels -> levels.name();
        };
    }
}
