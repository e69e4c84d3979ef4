package dev.halftone.format;

import static dev.halftone.format.ForeignWeights.broken;

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
 * GPTQ checkpoints as AutoGPTQ and GPTQModel write them. Of a linear P (out, in), b bits, G groups: {@code P.qweight} I32 (in b /
 * 32, out), each column a stream of codes down the inputs; {@code P.qzeros} I32 (G, out b / 32), each row a stream of zero
 * points, less one in files of version 1; {@code P.scales} F16 (G, out); {@code P.g_idx} I32 (in), the group of each input.
 */
final class GptqReader {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Checkpoint checkpoint;
    private final int bits;
    private final boolean first;

    GptqReader(Checkpoint checkpoint, String place) {
        this.checkpoint = checkpoint;
        JsonNode section = checkpoint.config().path(PackedLayout.KEY);
        this.bits = section.path("bits").asInt(0);
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
            throw broken(place, "GPTQ weights of " + section.path("bits") + " bits; this build reads 2, 3, 4 and 8");
        }
        String format = section.path("checkpoint_format").asString("gptq");
        this.first = format.equals("gptq");
        if (!first && !format.equals("gptq_v2")) {
            throw broken(place, "checkpoint_format \"" + format + "\"; this build reads gptq and gptq_v2");
        }
    }

    Map<String, PackedWeight> read() {
        Map<String, PackedWeight> weights = new TreeMap<>();
        for (String name : checkpoint.names()) {
            if (name.endsWith(".qweight")) {
                String module = name.substring(0, name.length() - ".qweight".length());
                weights.put(module + ".weight", weight(module));
            }
        }
        return weights;
    }

    private PackedWeight weight(String module) {
        StoredTensor qweight = ForeignWeights.tensor(checkpoint, module + ".qweight", SafetensorsDtype.I32, 2);
        int out = (int) qweight.shape()[1];
        int in = (int) (qweight.shape()[0] * 32 / bits);
        StoredTensor scales = ForeignWeights.tensor(checkpoint, module + ".scales", SafetensorsDtype.F16, 2);
        int groups = (int) scales.shape()[0];
        ForeignWeights.shape(scales, groups, out);
        StoredTensor qzeros = ForeignWeights.tensor(checkpoint, module + ".qzeros", SafetensorsDtype.I32, 2);
        ForeignWeights.shape(qzeros, groups, (long) out * bits / 32);
        if (groups == 0 || in % groups != 0) {
            throw broken(module, groups + " groups of " + in + " inputs");
        }
        byte[] codes = new byte[Math.multiplyExact(out, in)];
        for (int i = 0; i < in; i++) {
            for (int o = 0; o < out; o++) {
                codes[o * in + i] = (byte) BitStream.getDown(qweight.bytes(), (long) i * bits, bits, out, o);
            }
        }
        byte[] zeros = new byte[out * groups];
        float[] values = new float[out * groups];
        boolean symmetric = true;
        for (int g = 0; g < groups; g++) {
            long row = (long) g * out * bits;
            for (int o = 0; o < out; o++) {
                int field = BitStream.get(qzeros.bytes(), row + (long) o * bits, bits);
                int zero = first ? (field + 1) & ((1 << bits) - 1) : field;
                zeros[o * groups + g] = (byte) zero;
                symmetric &= zero == 1 << (bits - 1);
                values[o * groups + g] = ScaleType.F16.read(scales.bytes(), (long) g * out + o);
            }
        }
        return packed(
                module, new GridCodes(codes, values, zeros, new float[0], 1, groupOf(module, in)), symmetric, out);
    }

    private PackedWeight packed(String module, GridCodes grids, boolean symmetric, int out) {
        int in = grids.groupOf().length;
        int groups = grids.scales().length / out;
        boolean natural = true;
        for (int i = 0; i < in; i++) {
            int group = grids.groupOf()[i];
            if (group < 0 || group >= groups) {
                throw broken(module + ".g_idx", "input %d is in group %d of %d".formatted(i, group, groups));
            }
            natural &= group == i / (in / groups);
        }
        GridMode mode = symmetric ? GridMode.SYM_WIDE : GridMode.ASYM;
        int group = groups == 1 ? NumberFormat.ROW : in / groups;
        return PackedWeight.of(new IntGroup(bits, group, mode, ScaleType.F16, 1, !natural), out, in, grids);
    }

    private int[] groupOf(String module, int in) {
        StoredTensor stored = ForeignWeights.tensor(checkpoint, module + ".g_idx", SafetensorsDtype.I32, 1);
        ForeignWeights.shape(stored, in);
        MemorySegment bytes = stored.bytes();
        int[] groupOf = new int[in];
        for (int i = 0; i < in; i++) {
            groupOf[i] = bytes.get(INT, 4L * i);
        }
        return groupOf;
    }
}
