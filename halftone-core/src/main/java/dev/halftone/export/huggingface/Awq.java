package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.BitStream;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import java.util.List;
import java.util.Map;
import java.util.function.IntBinaryOperator;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** AWQ checkpoints, version gemm: 4 bits, no order of inputs; the tensors are those of {@code AwqReader}. */
record Awq() implements Layout {
    private static final int[] ORDER = {0, 2, 4, 6, 1, 3, 5, 7};
    private static final int BITS = 4;

    @Override
    public List<StoredPart> parts(String module, PackedWeight packed) {
        PackedWeight weight = IntCodes.of(module, packed);
        NumberFormat format = weight.format();
        int out = weight.out();
        int in = weight.in();
        if (format.bits() != BITS) {
            throw Layout.refused(module, "has " + format.bits() + " bits; AWQ checkpoints have 4");
        }
        if (format.reordered()) {
            throw Layout.refused(module, "has groups of reordered inputs, which AWQ checkpoints cannot say");
        }
        if (out % 8 != 0) {
            throw Layout.refused(module, "has " + out + " outputs; AWQ needs a multiple of 8");
        }
        int groups = format.groups(in);
        return List.of(
                Parts.part(
                        module + ".qweight",
                        SafetensorsDtype.I32,
                        words(in, out, (i, o) -> weight.code(o, i)),
                        in,
                        out / 8),
                Parts.part(
                        module + ".qzeros",
                        SafetensorsDtype.I32,
                        words(groups, out, (g, o) -> weight.storedZero(o, g)),
                        groups,
                        out / 8),
                Parts.halves(module, weight));
    }

    /** (rows, out) in interleaved nibbles. */
    private static byte[] words(int rows, int out, IntBinaryOperator value) {
        byte[] words = new byte[rows * out / 2];
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < out; o += 8) {
                for (int n = 0; n < 8; n++) {
                    long bit = ((long) r * out + o + n) * BITS;
                    BitStream.put(words, bit, value.applyAsInt(r, o + ORDER[n]), BITS);
                }
            }
        }
        return words;
    }

    @Override
    public void describe(ObjectNode section, Map<String, PackedWeight> weights, List<String> plain) {
        section.put("quant_method", "awq");
        section.put("bits", BITS);
        section.put("group_size", Uniform.format(weights).group());
        section.put("zero_point", true);
        section.put("version", "gemm");
        List<String> kept =
                plain.stream().filter(module -> !module.equals("lm_head")).toList();
        if (kept.isEmpty()) {
            section.putNull("modules_to_not_convert");
        } else {
            ArrayNode names = section.putArray("modules_to_not_convert");
            kept.forEach(names::add);
        }
    }
}
