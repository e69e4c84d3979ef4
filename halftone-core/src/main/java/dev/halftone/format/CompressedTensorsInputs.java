package dev.halftone.format;

import static dev.halftone.format.ForeignWeights.broken;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.InputFormat.Float8;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Int;
import dev.halftone.format.InputFormat.Levels;
import dev.halftone.format.InputFormat.Numbers;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.LinearSite;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * Quantized inputs of compressed-tensors, {@code input_activations} of a group: integers and floats of 8 bits with a scale per token
 * or tensor that the engine finds while it runs, or with one from calibration, {@code P.input_scale} (1) and {@code
 * P.input_zero_point} I8 (1); MXFP4 and MXFP8; NVFP4 with {@code P.input_global_scale} F32 (1), which divides.
 */
final class CompressedTensorsInputs {
    private static final int SIGNED_ZERO = 128;
    private static final int LARGEST_CODE = 255;

    private final Checkpoint checkpoint;
    private final JsonNode groups;
    private final Map<String, InputFormat> formats = new TreeMap<>();
    private final Map<String, Range> ranges = new TreeMap<>();

    private CompressedTensorsInputs(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.groups = checkpoint.config().path(PackedLayout.KEY).path("config_groups");
    }

    /** How the inputs of the packed linears are quantized. */
    static LinearInputs read(Checkpoint checkpoint, List<LinearSite> linears) {
        CompressedTensorsInputs reader = new CompressedTensorsInputs(checkpoint);
        for (LinearSite site : linears) {
            if (checkpoint.names().contains(site.module() + ".weight_scale")) {
                reader.read(site);
            }
        }
        if (reader.formats.isEmpty()) {
            return LinearInputs.PLAIN;
        }
        InputRounding rounding = new InputRounding(reader.formats);
        reader.ranges.forEach(rounding::calibrate);
        return rounding;
    }

    private void read(LinearSite site) {
        JsonNode arguments =
                CompressedTensorsReader.group(groups, site.module()).path("input_activations");
        if (arguments.isNull() || arguments.isMissingNode()) {
            return;
        }
        InputFormat format = new InputFormat(numbers(site, arguments), granularity(site, arguments), 0);
        formats.put(site.weight(), format);
        if (format.granularity() == Granularity.STATIC) {
            ranges.put(site.weight(), range(site.module(), format.numbers()));
        }
    }

    private static Numbers numbers(LinearSite site, JsonNode arguments) {
        int group = arguments.path("group_size").asInt(0);
        String kind = arguments.path("type").asString("")
                + arguments.path("num_bits").asInt(0)
                + (group > 0 ? " in groups of " + group : "");
        return switch (kind) {
            case "int8" -> new Int(8, arguments.path("symmetric").asBoolean(true));
            case "float8" -> Float8.E4M3;
            case "float8 in groups of 32" -> levels("mxfp8_e4m3", true);
            case "float4 in groups of 32" -> levels("mxfp4", true);
            case "float4 in groups of 16" -> levels("nvfp4", false);
            default -> throw refused(site, arguments);
        };
    }

    private static Levels levels(String name, boolean powers) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        return new Levels(name, powers ? format.withRule(ScaleRule.CT) : format);
    }

    private static Granularity granularity(LinearSite site, JsonNode arguments) {
        String dynamic = arguments.path("dynamic").asString("false");
        String kind = arguments.path("strategy").asString("") + (dynamic.equals("false") ? "" : " dynamic");
        return switch (kind) {
            case "token dynamic", "group dynamic" -> Granularity.TOKEN;
            case "tensor dynamic" -> Granularity.TENSOR;
            case "tensor", "tensor_group dynamic" -> Granularity.STATIC;
            default -> throw refused(site, arguments);
        };
    }

    private static InputException refused(LinearSite site, JsonNode arguments) {
        return broken(site.module(), "quantizes inputs (" + arguments + "), which this build does not read");
    }

    /** A range from which the format finds the stored scale again. */
    private Range range(String module, Numbers numbers) {
        return switch (numbers) {
            case Levels(String _, LevelGroup format) -> {
                float g = 1 / scalar(module + ".input_global_scale");
                yield around(g * format.elements().largest() * format.scale().largest());
            }
            case Float8 grid -> around(scalar(module + ".input_scale") * (float) grid.largest());
            case Int grid when grid.symmetric() -> around(scalar(module + ".input_scale") * grid.largest());
            case Int _ -> {
                float scale = scalar(module + ".input_scale");
                StoredTensor stored = checkpoint.tensor(module + ".input_zero_point");
                if (!stored.type().equals("I8") || stored.elements() != 1) {
                    throw broken(stored.name(), stored.elements() + " elements of " + stored.type());
                }
                int zero = stored.bytes().get(ValueLayout.JAVA_BYTE, 0) + SIGNED_ZERO;
                yield new Range(-zero * scale, (LARGEST_CODE - zero) * scale);
            }
        };
    }

    private static Range around(float most) {
        return new Range(-most, most);
    }

    private float scalar(String name) {
        StoredTensor stored = checkpoint.tensor(name);
        if (stored.elements() != 1) {
            throw broken(name, stored.elements() + " elements of " + stored.type());
        }
        return ScaleType.of(stored.type())
                .orElseThrow(() -> broken(name, "type " + stored.type()))
                .read(stored.bytes(), 0);
    }
}
