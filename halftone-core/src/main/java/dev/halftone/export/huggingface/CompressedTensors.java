package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.BitStream;
import dev.halftone.format.FloatElements;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputRounding;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleRule;
import dev.halftone.format.ScaleType;
import dev.halftone.format.StoredPart;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Checkpoints of compressed-tensors (vLLM, transformers); the tensors are those of {@code CompressedTensorsReader}.
 *
 * @param wide scales of 16 bits are written as F32, because the library computes in the scales' type: for models in float32
 * @param inputs how the inputs of the linears are quantized
 */
record CompressedTensors(boolean wide, InputRounding inputs) implements Layout {
    /** What an exponent byte of 0, which readers may take for no scale, becomes where all codes are 0: the scale 1. */
    private static final byte ONE = 127;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private enum Kind {
        PACK("pack-quantized"),
        INT("int-quantized"),
        FLOAT("float-quantized"),
        NVFP4("nvfp4-pack-quantized"),
        MXFP4("mxfp4-pack-quantized"),
        MXFP8("mxfp8-quantized");

        private final String title;

        Kind(String title) {
            this.title = title;
        }
    }

    private static Kind kind(String module, NumberFormat format) {
        return switch (format) {
            case IntGroup f ->
                f.bits() == 8 && f.symmetric() && f.group() == NumberFormat.ROW && f.rows() == 1 ? Kind.INT : Kind.PACK;
            case LevelGroup f
            when f.elements() == FloatElements.E4M3 && f.rule() == ScaleRule.ABSMAX && coarse(f) -> Kind.FLOAT;
            case LevelGroup f when f.isNvfp4() -> Kind.NVFP4;
            case LevelGroup f when mx(f) && f.elements() == FloatElements.E2M1 -> Kind.MXFP4;
            case LevelGroup f when mx(f) && f.elements() == FloatElements.E4M3 -> Kind.MXFP8;
            case LevelGroup f ->
                throw Layout.refused(module, "is " + f.label() + ", which compressed-tensors has no layout for");
        };
    }

    /** One scale per row, tensor or block of several rows. */
    private static boolean coarse(LevelGroup f) {
        return f.scale() != ScaleType.E4M3 && !f.reordered() && (f.rows() != 1 || f.group() == NumberFormat.ROW);
    }

    private static boolean mx(LevelGroup f) {
        return f.scale() == ScaleType.E8M0
                && f.group() == 32
                && f.rows() == 1
                && !f.reordered()
                && f.rule() != ScaleRule.FLOOR_4_3;
    }

    /** What is written: integers in the form that all engines have, blocks of zeros with a scale that is none of the least. */
    private static PackedWeight written(String module, PackedWeight packed) {
        return packed.format() instanceof IntGroup ? IntCodes.of(module, packed) : packed;
    }

    /** For linears whose inputs stay as they are. */
    CompressedTensors(boolean wide) {
        this(wide, new InputRounding(Map.of()));
    }

    @Override
    public List<StoredPart> parts(String module, PackedWeight packed) {
        List<StoredPart> parts = new ArrayList<>(weights(module, packed));
        InputFormat format = inputs.formats().get(module + ".weight");
        if (format != null && format.granularity() == InputFormat.Granularity.STATIC) {
            parts.addAll(InputArguments.parts(
                    module, format, Objects.requireNonNull(inputs.ranges().get(module + ".weight"))));
        }
        return parts;
    }

    private List<StoredPart> weights(String module, PackedWeight packed) {
        PackedWeight weight = written(module, packed);
        Kind kind = kind(module, weight.format());
        return switch (kind) {
            case PACK -> packed(module, weight);
            case INT -> integers(module, weight);
            case FLOAT -> floats(module, weight);
            case NVFP4 -> {
                List<StoredPart> parts = new ArrayList<>(fourBits(module, weight, SafetensorsDtype.F8_E4M3));
                MemorySegment divisor = MemorySegment.ofArray(new byte[Float.BYTES]);
                divisor.set(FLOAT, 0, 1 / weight.multiple());
                parts.add(Parts.part(module + ".weight_global_scale", SafetensorsDtype.F32, divisor, 1));
                yield parts;
            }
            case MXFP4 -> fourBits(module, weight, SafetensorsDtype.U8);
            case MXFP8 ->
                List.of(
                        Parts.part(
                                module + ".weight",
                                SafetensorsDtype.F8_E4M3,
                                weight.codes(),
                                weight.out(),
                                weight.in()),
                        exponents(module, weight));
        };
    }

    private StoredPart scales(String module, PackedWeight weight, long... shape) {
        if (wide && weight.format().scale() != ScaleType.F32) {
            int groups = weight.format().groups(weight.in());
            int tiles = weight.format().tiles(weight.out());
            MemorySegment bytes = MemorySegment.ofArray(new byte[tiles * groups * Float.BYTES]);
            for (int i = 0; i < tiles * groups; i++) {
                int row = i / groups * weight.format().rowsIn(weight.out());
                bytes.set(FLOAT, 4L * i, weight.storedScale(row, i % groups));
            }
            return Parts.part(module + ".weight_scale", SafetensorsDtype.F32, bytes, shape);
        }
        return Parts.part(module + ".weight_scale", weight.format().scale().dtype(), weight.scales(), shape);
    }

    private List<StoredPart> packed(String module, PackedWeight weight) {
        NumberFormat format = weight.format();
        int out = weight.out();
        int in = weight.in();
        int bits = format.bits();
        int groups = format.groups(in);
        List<StoredPart> parts = new ArrayList<>();
        long words = Math.ceilDiv((long) in * bits, 32L);
        MemorySegment codes = weight.codes();
        if (codes.byteSize() != out * words * Integer.BYTES) {
            MemorySegment padded = MemorySegment.ofArray(new byte[Math.toIntExact(out * words * Integer.BYTES)]);
            for (int i = 0; i < out; i++) {
                MemorySegment.copy(
                        codes,
                        (long) i * format.codeBytes(in),
                        padded,
                        i * words * Integer.BYTES,
                        format.codeBytes(in));
            }
            codes = padded;
        }
        parts.add(Parts.part(module + ".weight_packed", SafetensorsDtype.I32, codes, out, words));
        parts.add(scales(module, weight, out, groups));
        parts.add(Parts.longs(module + ".weight_shape", out, in));
        if (!format.symmetric()) {
            long rows = Math.ceilDiv((long) out * bits, 32L);
            byte[] zeros = new byte[Math.toIntExact(rows * groups * Integer.BYTES)];
            for (int o = 0; o < out; o++) {
                for (int g = 0; g < groups; g++) {
                    BitStream.putDown(zeros, (long) o * bits, weight.storedZero(o, g), bits, groups, g);
                }
            }
            parts.add(Parts.part(module + ".weight_zero_point", SafetensorsDtype.I32, zeros, rows, groups));
        }
        if (format.reordered()) {
            parts.add(Parts.ints(module + ".weight_g_idx", in, weight::groupOf));
        }
        return parts;
    }

    private List<StoredPart> integers(String module, PackedWeight weight) {
        byte[] signed = weight.codes().toArray(ValueLayout.JAVA_BYTE);
        for (int i = 0; i < signed.length; i++) {
            signed[i] ^= (byte) 0x80;
        }
        return List.of(
                Parts.part(module + ".weight", SafetensorsDtype.I8, signed, weight.out(), weight.in()),
                scales(module, weight, weight.out(), 1));
    }

    private List<StoredPart> floats(String module, PackedWeight weight) {
        NumberFormat format = weight.format();
        long tiles = format.tiles(weight.out());
        long[] shape = format.rows() == NumberFormat.ALL_ROWS && format.group() == NumberFormat.ROW
                ? new long[] {1}
                : new long[] {tiles, format.groups(weight.in())};
        return List.of(
                Parts.part(module + ".weight", SafetensorsDtype.F8_E4M3, weight.codes(), weight.out(), weight.in()),
                scales(module, weight, shape));
    }

    private static List<StoredPart> fourBits(String module, PackedWeight weight, SafetensorsDtype scale) {
        StoredPart codes = Parts.part(
                module + ".weight_packed", SafetensorsDtype.U8, weight.codes(), weight.out(), weight.in() / 2);
        return scale == SafetensorsDtype.U8
                ? List.of(codes, exponents(module, weight))
                : List.of(
                        codes,
                        Parts.part(
                                module + ".weight_scale",
                                scale,
                                weight.scales(),
                                weight.out(),
                                weight.format().groups(weight.in())));
    }

    private static StoredPart exponents(String module, PackedWeight weight) {
        byte[] bytes = weight.scales().toArray(ValueLayout.JAVA_BYTE);
        int groups = weight.format().groups(weight.in());
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] == 0 && zeros(weight, i / groups, i % groups)) {
                bytes[i] = ONE;
            }
        }
        return Parts.part(module + ".weight_scale", SafetensorsDtype.U8, bytes, weight.out(), groups);
    }

    private static boolean zeros(PackedWeight weight, int row, int g) {
        int length = weight.format().group();
        int sign = 1 << (weight.format().bits() - 1);
        for (int j = g * length; j < (g + 1) * length; j++) {
            if ((weight.code(row, j) & ~sign) != 0) {
                return false;
            }
        }
        return true;
    }

    /** What a group of config.json says. */
    private record Group(
            Kind kind, NumberFormat format, @Nullable InputFormat inputs) {}

    @Override
    public void describe(ObjectNode section, Map<String, PackedWeight> weights, List<String> plain) {
        Map<Group, List<String>> groups = new LinkedHashMap<>();
        weights.forEach((module, packed) -> {
            NumberFormat format = written(module, packed).format();
            Group group =
                    new Group(kind(module, format), format, inputs.formats().get(module + ".weight"));
            groups.computeIfAbsent(group, _ -> new ArrayList<>()).add(module);
        });
        for (String weight : inputs.formats().keySet()) {
            String module = weight.replaceFirst("\\.weight$", "");
            if (!weights.containsKey(module)) {
                throw Layout.refused(module, "has quantized inputs and a weight that is not quantized");
            }
        }
        boolean one = groups.keySet().stream().map(Group::kind).distinct().count() == 1;
        section.put("quant_method", "compressed-tensors");
        section.put("version", "0.15.0");
        section.put("format", one ? groups.keySet().iterator().next().kind().title : "mixed-precision");
        section.put("quantization_status", "compressed");
        section.putNull("global_compression_ratio");
        section.putNull("kv_cache_scheme");
        ArrayNode ignore = section.putArray("ignore");
        plain.forEach(ignore::add);
        ObjectNode list = section.putObject("config_groups");
        groups.forEach((group, modules) -> {
            ObjectNode entry = list.putObject("group_" + list.size());
            ArrayNode targets = entry.putArray("targets");
            if (groups.size() == 1) {
                targets.add("Linear");
            } else {
                modules.forEach(targets::add);
            }
            arguments(group, entry.putObject("weights"));
            if (group.inputs() == null) {
                entry.putNull("input_activations");
            } else {
                InputArguments.describe(modules.getFirst(), group.inputs(), entry.putObject("input_activations"));
            }
            entry.putNull("output_activations");
            entry.put("format", group.kind().title);
        });
    }

    private static void arguments(Group group, ObjectNode weights) {
        NumberFormat format = group.format();
        weights.put("num_bits", format.bits());
        weights.put("type", format instanceof IntGroup ? "int" : "float");
        weights.put("symmetric", format.symmetric());
        weights.put("dynamic", false);
        switch (group.kind()) {
            case PACK, INT -> {
                weights.put("strategy", format.group() == NumberFormat.ROW ? "channel" : "group");
                if (format.group() != NumberFormat.ROW) {
                    weights.put("group_size", format.group());
                }
                if (format.reordered()) {
                    weights.put("actorder", "group");
                }
            }
            case FLOAT -> {
                boolean tensor = format.rows() == NumberFormat.ALL_ROWS && format.group() == NumberFormat.ROW;
                boolean channel = format.rows() == 1;
                weights.put("strategy", tensor ? "tensor" : channel ? "channel" : "block");
                if (!tensor && !channel) {
                    weights.putArray("block_structure").add(format.rows()).add(format.group());
                }
            }
            case NVFP4 -> weights.put("strategy", "tensor_group").put("group_size", format.group());
            case MXFP4, MXFP8 ->
                weights.put("strategy", "group")
                        .put("group_size", format.group())
                        .put("scale_dtype", "torch.uint8");
        }
    }
}
