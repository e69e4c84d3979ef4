package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufNames;
import dev.halftone.checkpoint.GgufType;
import dev.halftone.error.InputException;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.format.gguf.Mixture.Place;
import dev.halftone.format.gguf.Mixture.Role;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tensors of a model as a GGUF file names, orders and types them. */
public final class GgufTensors {
    /** config.json's families that llama.cpp has, and its names for them. */
    private static final Map<String, String> ARCHITECTURES =
            Map.of("llama", "llama", "mistral", "llama", "qwen2", "qwen2", "qwen3", "qwen3", "gpt2", "gpt2");

    private GgufTensors() {}

    /**
     * One tensor.
     *
     * @param name in the GGUF file
     * @param source Hugging Face name
     * @param rows outputs; 1 for a vector
     * @param columns inputs
     * @param heads of a query or key whose rows are stored with the halves of every head interleaved; 0 for others
     * @param site the linear that it belongs to, null outside the blocks and for vectors
     */
    public record Entry(
            String name,
            String source,
            long rows,
            int columns,
            GgufType type,
            int heads,
            @Nullable LinearSite site,
            boolean vector) {}

    /**
     * llama.cpp's name for the family.
     *
     * @throws InputException HT-682 if it has none
     */
    public static String architecture(DecoderSpec spec, String place) {
        String architecture = ARCHITECTURES.get(spec.family());
        if (architecture == null) {
            throw new InputException(
                    "HT-682",
                    place,
                    "llama.cpp has no architecture for models of family " + spec.family(),
                    "export it in another format");
        }
        return architecture;
    }

    /** All tensors in the order of llama.cpp's own quantizer: outside the blocks first, then block by block, by name. */
    public static List<Entry> of(DecoderSpec spec, Mixture mixture, boolean importance, String place) {
        String architecture = architecture(spec, place);
        GgufNames names = GgufNames.of(architecture);
        Map<String, LinearSite> sites = new HashMap<>();
        Decoder.linears(spec).forEach(site -> {
            sites.put(site.weight(), site);
            sites.put(site.biasName(), site);
        });
        List<Entry> entries = new ArrayList<>();
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            String name = names.toGguf(tensor.name());
            if (name == null) {
                throw new InputException(
                        "HT-682",
                        place,
                        "architecture %s has no tensor for %s".formatted(architecture, tensor.name()),
                        "export it in another format");
            }
            entries.add(entry(spec, mixture, importance, name, tensor, sites.get(tensor.name())));
        }
        entries.sort(
                Comparator.comparingInt((Entry entry) -> layer(entry.name())).thenComparing(Entry::name));
        return entries;
    }

    private static Entry entry(
            DecoderSpec spec,
            Mixture mixture,
            boolean importance,
            String name,
            Decoder.Expected tensor,
            @Nullable LinearSite site) {
        boolean vector = tensor.shape().length == 1;
        long rows = vector ? 1 : site == null ? tensor.shape()[0] : site.out();
        int columns = Math.toIntExact(vector ? tensor.shape()[0] : site == null ? tensor.shape()[1] : site.in());
        GgufType type = GgufType.F32;
        if (!vector && !name.startsWith("position_embd.")) {
            int sharing = spec.attention().heads() / spec.attention().kvHeads();
            int layer = Math.max(0, layer(name));
            type = mixture.type(new Place(role(name, spec), layer, spec.layers(), columns, sharing, importance));
        }
        return new Entry(name, tensor.name(), rows, columns, type, heads(name, spec), site, vector);
    }

    /** Heads whose rows are interleaved: those of q and k in architecture llama, for its rotation of neighbours. */
    private static int heads(String name, DecoderSpec spec) {
        if (!ARCHITECTURES.getOrDefault(spec.family(), "").equals("llama")) {
            return 0;
        }
        return name.contains(".attn_q.")
                ? spec.attention().heads()
                : name.contains(".attn_k.") ? spec.attention().kvHeads() : 0;
    }

    private static Role role(String name, DecoderSpec spec) {
        String part = name.substring(name.startsWith("blk.") ? name.indexOf('.', 4) + 1 : 0, name.lastIndexOf('.'));
        return switch (part) {
            case "token_embd" -> spec.embedding().tied() ? Role.TIED_EMBEDDING : Role.EMBEDDING;
            case "output" -> Role.HEAD;
            case "attn_q" -> Role.QUERY;
            case "attn_k" -> Role.KEY;
            case "attn_v" -> Role.VALUE;
            case "attn_qkv" -> Role.FUSED;
            case "attn_output" -> Role.ATTENTION_OUTPUT;
            case "ffn_gate" -> Role.GATE;
            case "ffn_up" -> Role.UP;
            case "ffn_down" -> Role.DOWN;
            default -> throw new IllegalStateException("no role for " + name);
        };
    }

    private static int layer(String name) {
        return name.startsWith("blk.") ? Integer.parseInt(name.substring(4, name.indexOf('.', 4))) : -1;
    }
}
