package dev.halftone.format;

import static dev.halftone.format.ForeignWeights.broken;
import static dev.halftone.format.ForeignWeights.shape;
import static dev.halftone.format.ForeignWeights.tensor;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * Checkpoints of compressed-tensors: of a linear P (out, in)
 *
 * <ul>
 *   <li>pack-quantized: {@code P.weight_packed} I32 (out, ceil(in b / 32)), rows are streams of codes; {@code P.weight_scale} (out, G);
 *       {@code P.weight_zero_point} I32 (ceil(out b / 32), G), columns are streams; {@code P.weight_g_idx} I32 (in)
 *   <li>int-quantized: {@code P.weight} I8 (out, in), {@code P.weight_scale} (out, 1)
 *   <li>float-quantized: {@code P.weight} F8_E4M3 (out, in), {@code P.weight_scale} (1), (out, 1) or one per block
 *   <li>NVFP4: {@code P.weight_packed} U8 (out, in / 2), {@code P.weight_scale} F8_E4M3 (out, in / 16), {@code
 *       P.weight_global_scale} F32 (1), which divides
 *   <li>MXFP4, MXFP8: {@code P.weight_packed} or {@code P.weight}, {@code P.weight_scale} U8 (out, in / 32), exponents
 * </ul>
 */
final class CompressedTensorsReader {
    private static final String SCALE = ".weight_scale";
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Checkpoint checkpoint;
    private final JsonNode groups;

    CompressedTensorsReader(Checkpoint checkpoint) {
        this.checkpoint = checkpoint;
        this.groups = checkpoint.config().path(PackedLayout.KEY).path("config_groups");
    }

    Map<String, PackedWeight> read() {
        Map<String, PackedWeight> weights = new TreeMap<>();
        for (String name : checkpoint.names()) {
            if (name.endsWith(SCALE)) {
                String module = name.substring(0, name.length() - SCALE.length());
                weights.put(module + ".weight", weight(module));
            }
        }
        return weights;
    }

    private PackedWeight weight(String module) {
        if (checkpoint.names().contains(module + ".weight_packed")) {
            String type = checkpoint.tensor(module + ".weight_packed").type();
            return type.equals("U8") ? fourBits(module) : packed(module);
        }
        StoredTensor weight = checkpoint.tensor(module + ".weight");
        return switch (weight.type()) {
            case "I8" -> integers(module);
            case "F8_E4M3" ->
                checkpoint.tensor(module + SCALE).type().equals("U8")
                        ? exponents(module, "mxfp8", ".weight")
                        : floats(module);
            default -> throw broken(module, "weight of type " + weight.type() + " beside weight_scale");
        };
    }

    /** The arguments of the weights of a module's group. */
    private JsonNode arguments(String module) {
        return group(groups, module).path("weights");
    }

    /** The group that a module belongs to. */
    static JsonNode group(JsonNode groups, String module) {
        JsonNode byClass = groups.path("");
        for (JsonNode group : groups) {
            for (JsonNode target : group.path("targets")) {
                String name = target.asString("");
                if (name.equals(module) || (name.startsWith("re:") && module.matches(name.substring(3) + ".*"))) {
                    return group;
                }
                byClass = name.equals("Linear") ? group : byClass;
            }
        }
        return byClass;
    }

    private ScaleType scaleType(String module) {
        String type = checkpoint.tensor(module + SCALE).type();
        return ScaleType.of(type).orElseThrow(() -> broken(module + SCALE, "type " + type));
    }

    private PackedWeight packed(String module) {
        int bits = arguments(module).path("num_bits").asInt(0);
        StoredTensor dense = tensor(checkpoint, module + ".weight_shape", SafetensorsDtype.I64, 1);
        shape(dense, 2);
        int out = Math.toIntExact(dense.bytes().get(LONG, 0));
        int in = Math.toIntExact(dense.bytes().get(LONG, Long.BYTES));
        if (bits < 2 || bits > 8 || out < 1 || in < 1) {
            throw broken(module, "%d bits, shape (%d, %d)".formatted(bits, out, in));
        }
        StoredTensor codes = tensor(checkpoint, module + ".weight_packed", SafetensorsDtype.I32, 2);
        shape(codes, out, Math.ceilDiv((long) in * bits, 32L));
        long[] scales = checkpoint.tensor(module + SCALE).shape();
        int count = scales.length == 2 ? (int) scales[1] : 0;
        if (count < 1 || scales[0] != out || in % count != 0) {
            throw broken(module + SCALE, "shape " + java.util.Arrays.toString(scales));
        }
        boolean asymmetric = checkpoint.names().contains(module + ".weight_zero_point");
        boolean ordered = checkpoint.names().contains(module + ".weight_g_idx");
        IntGroup format = new IntGroup(
                bits,
                count == 1 ? NumberFormat.ROW : in / count,
                asymmetric ? GridMode.ASYM : GridMode.SYM_WIDE,
                scaleType(module),
                1,
                ordered);
        return new PackedWeight(
                format,
                out,
                in,
                rows(codes.bytes(), out, format.codeBytes(in)),
                checkpoint.tensor(module + SCALE).bytes(),
                asymmetric ? zeros(module, format, out, count) : MemorySegment.NULL,
                MemorySegment.NULL,
                MemorySegment.NULL,
                ordered ? order(module, in) : MemorySegment.NULL);
    }

    /** Rows without what pads them to whole words. */
    private static MemorySegment rows(MemorySegment words, int out, int bytes) {
        if (words.byteSize() == (long) out * bytes) {
            return words;
        }
        long stride = words.byteSize() / out;
        MemorySegment rows = MemorySegment.ofArray(new byte[Math.multiplyExact(out, bytes)]);
        for (int i = 0; i < out; i++) {
            MemorySegment.copy(words, i * stride, rows, (long) i * bytes, bytes);
        }
        return rows;
    }

    private MemorySegment zeros(String module, IntGroup format, int out, int count) {
        StoredTensor stored = tensor(checkpoint, module + ".weight_zero_point", SafetensorsDtype.I32, 2);
        shape(stored, Math.ceilDiv((long) out * format.bits(), 32L), count);
        int rowBytes = Math.ceilDiv(count * format.bits(), 8);
        byte[] zeros = new byte[out * rowBytes];
        for (int o = 0; o < out; o++) {
            for (int g = 0; g < count; g++) {
                int zero = BitStream.getDown(stored.bytes(), (long) o * format.bits(), format.bits(), count, g);
                BitStream.put(zeros, 8L * o * rowBytes + (long) g * format.bits(), zero, format.bits());
            }
        }
        return MemorySegment.ofArray(zeros);
    }

    private MemorySegment order(String module, int in) {
        StoredTensor stored = tensor(checkpoint, module + ".weight_g_idx", SafetensorsDtype.I32, 1);
        shape(stored, in);
        MemorySegment groupOf = MemorySegment.ofArray(new byte[in * Short.BYTES]);
        for (int i = 0; i < in; i++) {
            groupOf.set(SHORT, 2L * i, (short) stored.bytes().get(INT, 4L * i));
        }
        return groupOf;
    }

    private PackedWeight integers(String module) {
        StoredTensor weight = tensor(checkpoint, module + ".weight", SafetensorsDtype.I8, 2);
        int out = (int) weight.shape()[0];
        int in = (int) weight.shape()[1];
        shape(checkpoint.tensor(module + SCALE), out, 1);
        byte[] codes = weight.bytes().toArray(ValueLayout.JAVA_BYTE);
        for (int i = 0; i < codes.length; i++) {
            codes[i] ^= (byte) 0x80;
        }
        return new PackedWeight(
                new IntGroup(8, NumberFormat.ROW, GridMode.SYM_WIDE, scaleType(module), 1, false),
                out,
                in,
                MemorySegment.ofArray(codes),
                checkpoint.tensor(module + SCALE).bytes(),
                MemorySegment.NULL);
    }

    private PackedWeight floats(String module) {
        StoredTensor weight = tensor(checkpoint, module + ".weight", SafetensorsDtype.F8_E4M3, 2);
        int out = (int) weight.shape()[0];
        int in = (int) weight.shape()[1];
        StoredTensor scale = checkpoint.tensor(module + SCALE);
        LevelGroup plain = LevelGroup.of(FloatElements.E4M3, scaleType(module));
        LevelGroup format = plain;
        if (scale.elements() == 1) {
            format = plain.withTile(NumberFormat.ALL_ROWS, NumberFormat.ROW);
        } else if (scale.shape()[scale.shape().length - 1] != 1) {
            JsonNode block = arguments(module).path("block_structure");
            format = plain.withTile(block.path(0).asInt(0), block.path(1).asInt(0));
        }
        return levels(module, format, out, in, ".weight", MemorySegment.NULL);
    }

    private PackedWeight fourBits(String module) {
        String global = module + ".weight_global_scale";
        if (!checkpoint.names().contains(global)) {
            return exponents(module, "mxfp4", ".weight_packed");
        }
        StoredTensor divisor = tensor(checkpoint, global, SafetensorsDtype.F32, 1);
        shape(divisor, 1);
        MemorySegment unit = MemorySegment.ofArray(new byte[Float.BYTES]);
        ScaleType.F32.write(unit, 0, 1 / ScaleType.F32.read(divisor.bytes(), 0));
        StoredTensor codes = tensor(checkpoint, module + ".weight_packed", SafetensorsDtype.U8, 2);
        LevelGroup format = LevelGroup.named("nvfp4").orElseThrow();
        return levels(module, format, (int) codes.shape()[0], (int) codes.shape()[1] * 2, ".weight_packed", unit);
    }

    private PackedWeight exponents(String module, String name, String codes) {
        LevelGroup format = LevelGroup.named(name).orElseThrow().withRule(ScaleRule.CT);
        long[] stored = checkpoint.tensor(module + codes).shape();
        int in = (int) stored[1] * 8 / format.bits();
        tensor(checkpoint, module + SCALE, SafetensorsDtype.U8, 2);
        return levels(module, format, (int) stored[0], in, codes, MemorySegment.NULL);
    }

    private PackedWeight levels(String module, LevelGroup format, int out, int in, String codes, MemorySegment unit) {
        return new PackedWeight(
                format,
                out,
                in,
                checkpoint.tensor(module + codes).bytes(),
                checkpoint.tensor(module + SCALE).bytes(),
                MemorySegment.NULL,
                MemorySegment.NULL,
                unit,
                MemorySegment.NULL);
    }
}
