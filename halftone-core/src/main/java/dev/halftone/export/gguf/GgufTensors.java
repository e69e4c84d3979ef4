package dev.halftone.export.gguf;

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
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The tensors of a model as a GGUF file names, orders and types them. */
public final class GgufTensors {
    private final DecoderSpec spec;
    private final Architecture architecture;
    private final Mixture mixture;
    private final boolean importance;
    private final Map<String, LinearSite> sites = new HashMap<>();

    private GgufTensors(DecoderSpec spec, Architecture architecture, Mixture mixture, boolean importance) {
        this.spec = spec;
        this.architecture = architecture;
        this.mixture = mixture;
        this.importance = importance;
        Decoder.linears(spec).forEach(site -> {
            sites.put(site.weight(), site);
            sites.put(site.biasName(), site);
        });
    }

    /**
     * One tensor.
     *
     * @param name in the GGUF file
     * @param sources Hugging Face names: one, or those of all experts of a layer, whose matrices lie one after the other
     * @param rows outputs of one source; 1 for a vector
     * @param columns inputs
     * @param order of the rows of a source, or of a vector's elements
     * @param offset what is added to the stored values
     * @param site the linear that the first source belongs to, null outside the blocks and for norms
     */
    record Entry(
            String name,
            List<String> sources,
            long rows,
            int columns,
            GgufType type,
            RowOrder order,
            double offset,
            @Nullable LinearSite site,
            boolean vector) {
        /** Slowest dimension first. */
        List<Long> shape() {
            List<Long> shape = new ArrayList<>();
            if (sources.size() > 1) {
                shape.add((long) sources.size());
            }
            if (!vector) {
                shape.add(rows);
            }
            shape.add((long) columns);
            return shape;
        }
    }

    /**
     * Which type each tensor gets, by Hugging Face names.
     *
     * @throws InputException HT-682 for what llama.cpp does not have
     */
    public static Map<String, GgufType> types(DecoderSpec spec, Mixture mixture, boolean importance, String place) {
        Map<String, GgufType> types = new LinkedHashMap<>();
        of(spec, mixture, importance, place)
                .forEach(entry -> entry.sources().forEach(source -> types.put(source, entry.type())));
        return types;
    }

    /** All tensors in the order of llama.cpp's own quantizer: outside the blocks first, then block by block, by name. */
    static List<Entry> of(DecoderSpec spec, Mixture mixture, boolean importance, String place) {
        Architecture architecture = Architecture.of(spec, place);
        GgufNaming names = new GgufNaming(spec);
        Map<String, List<Decoder.Expected>> sources = new LinkedHashMap<>();
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            String name = names.of(tensor.name());
            if (name == null) {
                throw new InputException(
                        "HT-682",
                        place,
                        "architecture %s has no tensor for %s".formatted(architecture.name(), tensor.name()),
                        "export it in another format");
            }
            sources.computeIfAbsent(name, _ -> new ArrayList<>()).add(tensor);
        }
        GgufTensors tensors = new GgufTensors(spec, architecture, mixture, importance);
        List<Entry> entries = new ArrayList<>();
        sources.forEach((name, parts) -> entries.add(tensors.entry(name, parts)));
        entries.sort(
                Comparator.comparingInt((Entry entry) -> layer(entry.name())).thenComparing(Entry::name));
        return entries;
    }

    private Entry entry(String name, List<Decoder.Expected> sources) {
        Decoder.Expected first = sources.getFirst();
        LinearSite site = sites.get(first.name());
        boolean vector = first.shape().length == 1;
        long rows = vector ? 1 : site == null ? first.shape()[0] : site.out();
        int columns = Math.toIntExact(vector ? first.shape()[0] : site == null ? first.shape()[1] : site.in());
        boolean outer = name.startsWith("token_embd.") || name.equals("output.weight");
        boolean matrix = !vector && (outer || (site != null && site.part() != LinearSite.Part.ROUTER));
        return new Entry(
                name,
                sources.stream().map(Decoder.Expected::name).toList(),
                rows,
                columns,
                matrix ? type(name, columns) : GgufType.F32,
                RowOrder.of(name, spec, architecture),
                name.endsWith("norm.weight") ? spec.norm().offset() : 0,
                site,
                vector);
    }

    private GgufType type(String name, int columns) {
        int sharing = spec.attention().heads() / spec.attention().kvHeads();
        int layer = Math.max(0, layer(name));
        return mixture.type(new Place(role(name), layer, spec.layers(), columns, sharing, importance));
    }

    private Role role(String name) {
        String part = name.substring(name.startsWith("blk.") ? name.indexOf('.', 4) + 1 : 0, name.lastIndexOf('.'));
        return switch (part) {
            case "token_embd" -> spec.embedding().tied() ? Role.TIED_EMBEDDING : Role.EMBEDDING;
            case "output" -> Role.HEAD;
            case "attn_q" -> Role.QUERY;
            case "attn_k" -> Role.KEY;
            case "attn_v" -> Role.VALUE;
            case "attn_qkv" -> Role.FUSED;
            case "attn_output" -> Role.ATTENTION_OUTPUT;
            case "ffn_gate", "ffn_gate_exps", "ffn_gate_shexp" -> Role.GATE;
            case "ffn_up", "ffn_up_exps", "ffn_up_shexp" -> Role.UP;
            case "ffn_down", "ffn_down_exps", "ffn_down_shexp" -> Role.DOWN;
            default -> throw new IllegalStateException("no role for " + name);
        };
    }

    private static int layer(String name) {
        return name.startsWith("blk.") ? Integer.parseInt(name.substring(4, name.indexOf('.', 4))) : -1;
    }
}
