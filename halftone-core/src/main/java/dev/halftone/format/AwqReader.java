package dev.halftone.format;

import static dev.halftone.format.ForeignWeights.broken;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * AWQ checkpoints, version gemm, 4 bits. Of a linear P (out, in), G groups: {@code P.qweight} I32 (in, out / 8), a word holds 8
 * outputs of an input, output 8c + {@link #ORDER}[n] in nibble n; {@code P.qzeros} I32 (G, out / 8) likewise; {@code P.scales}
 * F16 (G, out).
 */
final class AwqReader {
    /** The output, of eight, that is in nibble n. */
    private static final int[] ORDER = {0, 2, 4, 6, 1, 3, 5, 7};

    private static final int BITS = 4;

    private final Checkpoint checkpoint;

    AwqReader(Checkpoint checkpoint, String place) {
        this.checkpoint = checkpoint;
        JsonNode section = checkpoint.config().path(PackedLayout.KEY);
        String version = section.path("version").asString("gemm");
        if (section.path("bits").asInt(0) != BITS || !version.equals("gemm")) {
            throw broken(
                    place,
                    "AWQ of %s bits and version \"%s\"; this build reads 4 and gemm"
                            .formatted(section.path("bits"), version));
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
        int in = (int) qweight.shape()[0];
        int out = (int) qweight.shape()[1] * 8;
        StoredTensor scales = ForeignWeights.tensor(checkpoint, module + ".scales", SafetensorsDtype.F16, 2);
        int groups = (int) scales.shape()[0];
        ForeignWeights.shape(scales, groups, out);
        StoredTensor qzeros = ForeignWeights.tensor(checkpoint, module + ".qzeros", SafetensorsDtype.I32, 2);
        ForeignWeights.shape(qzeros, groups, out / 8);
        if (groups == 0 || in % groups != 0) {
            throw broken(module, groups + " groups of " + in + " inputs");
        }
        byte[] codes = new byte[Math.multiplyExact(out, in)];
        spread(qweight.bytes(), in, out, codes);
        byte[] zeros = new byte[out * groups];
        spread(qzeros.bytes(), groups, out, zeros);
        float[] values = new float[out * groups];
        for (int g = 0; g < groups; g++) {
            for (int o = 0; o < out; o++) {
                values[o * groups + g] = ScaleType.F16.read(scales.bytes(), (long) g * out + o);
            }
        }
        int group = groups == 1 ? NumberFormat.ROW : in / groups;
        return PackedWeight.of(
                new IntGroup(BITS, group, GridMode.ASYM, ScaleType.F16, 1, false),
                out,
                in,
                new GridCodes(codes, values, zeros, new float[0], 1, new int[0]));
    }

    /** (rows, out) interleaved nibbles to (out, rows). */
    private static void spread(MemorySegment words, int rows, int out, byte[] target) {
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o += 8) {
                for (int n = 0; n < 8; n++) {
                    long bit = ((long) r * out + o + n) * BITS;
                    target[(o + ORDER[n]) * rows + r] = (byte) BitStream.get(words, bit, BITS);
                }
            }
        }
    }
}
