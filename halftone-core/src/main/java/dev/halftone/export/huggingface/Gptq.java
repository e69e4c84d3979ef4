package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.BitStream;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/**
 * GPTQ checkpoints of AutoGPTQ, GPTQModel and vLLM; the tensors are those of {@code GptqReader}.
 *
 * @param version 1, which stores zero points less one and cannot store 0, or 2
 */
record Gptq(int version) implements Layout {
    private static final int WORD = 32;

    @Override
    public List<StoredPart> parts(String module, PackedWeight packed) {
        PackedWeight weight = IntCodes.of(module, packed);
        NumberFormat format = weight.format();
        int bits = format.bits();
        int out = weight.out();
        int in = weight.in();
        if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
            throw Layout.refused(module, "has " + bits + " bits; GPTQ checkpoints have 2, 3, 4 or 8");
        }
        if (in % WORD != 0 || out % WORD != 0) {
            throw Layout.refused(module, "is (%d, %d); GPTQ needs multiples of 32".formatted(out, in));
        }
        byte[] codes = new byte[out * in / 8 * bits];
        for (int i = 0; i < in; i++) {
            for (int o = 0; o < out; o++) {
                BitStream.putDown(codes, (long) i * bits, weight.code(o, i), bits, out, o);
            }
        }
        int groups = format.groups(in);
        byte[] zeros = new byte[groups * out / 8 * bits];
        for (int g = 0; g < groups; g++) {
            for (int o = 0; o < out; o++) {
                int zero = weight.storedZero(o, g) - (version == 1 ? 1 : 0);
                if (zero < 0) {
                    throw Layout.refused(
                            module,
                            "has zero point 0 (row %d, group %d), which version 1 of GPTQ checkpoints cannot store"
                                    .formatted(o, g));
                }
                BitStream.put(zeros, ((long) g * out + o) * bits, zero, bits);
            }
        }
        return List.of(
                Parts.part(module + ".qweight", SafetensorsDtype.I32, codes, (long) in * bits / WORD, out),
                Parts.part(module + ".qzeros", SafetensorsDtype.I32, zeros, groups, (long) out * bits / WORD),
                Parts.halves(module, weight),
                Parts.ints(module + ".g_idx", in, weight::groupOf));
    }

    /** True if version 1 can store the zero points of a weight. */
    static boolean first(String module, PackedWeight packed) {
        PackedWeight weight = IntCodes.of(module, packed);
        int groups = weight.format().groups(weight.in());
        for (int o = 0; o < weight.out(); o++) {
            for (int g = 0; g < groups; g++) {
                if (weight.storedZero(o, g) == 0) {
                    return false;
                }
            }
        }
        return true;
    }

    @Override
    public void describe(ObjectNode section, Map<String, PackedWeight> weights, List<String> plain) {
        NumberFormat format = Uniform.format(weights);
        String name = version == 1 ? "gptq" : "gptq_v2";
        section.put("quant_method", "gptq");
        section.put("bits", format.bits());
        section.put("group_size", format.group());
        section.put("desc_act", format.reordered());
        section.put("sym", format.symmetric());
        section.put("lm_head", false);
        section.put("checkpoint_format", name);
        section.put("format", name);
        section.put("pack_dtype", "int32");
        section.put("true_sequential", true);
        section.put("static_groups", !format.reordered());
        ObjectNode dynamic = section.putObject("dynamic");
        plain.stream()
                .filter(module -> !module.equals("lm_head"))
                .forEach(module -> dynamic.putObject("-:^" + module.replace(".", "\\.") + "$"));
        section.putObject("meta").putArray("quantizer").add("halftone");
    }
}
