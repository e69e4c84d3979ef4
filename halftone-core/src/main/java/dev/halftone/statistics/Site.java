package dev.halftone.statistics;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Rope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A place of a block whose values are observed.
 *
 * @param name as observers see it, such as {@code model.layers.3.mlp.down_proj.input}
 * @param channels values per token; of queries, keys and values all heads side by side
 */
public record Site(String name, int block, Kind kind, int channels) {
    /** What flows there. */
    public enum Kind {
        ATTENTION_INPUT("attention input"),
        QUERIES("queries"),
        KEYS("keys"),
        VALUES("values"),
        ROPE_QUERIES("queries after rope"),
        ROPE_KEYS("keys after rope"),
        OUTPUT_INPUT("attention output"),
        MLP_INPUT("MLP input"),
        DOWN_INPUT("down input"),
        /** What the last linear of one expert reads: its own tokens alone, and nothing in a sequence that has none for it. */
        EXPERT_INPUT("expert input"),
        RESIDUAL("residual");

        private final String label;

        Kind(String label) {
            this.label = label;
        }

        /** The name in reports. */
        public String label() {
            return label;
        }

        static Kind labelled(String label) {
            return Arrays.stream(values())
                    .filter(kind -> kind.label.equals(label))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("no kind " + label));
        }
    }

    /** The sites of a block in the order in which they run; an input that several linears share has the first one's name. */
    static List<Site> of(DecoderSpec spec, int block) {
        String prefix = spec.blockName(block);
        DecoderSpec.Attention a = spec.attention();
        int queries = a.heads() * a.headDim();
        int keys = a.kvHeads() * a.headDim();
        List<Site> all = new ArrayList<>();
        all.add(input(spec, block, 0, Kind.ATTENTION_INPUT));
        all.add(new Site(prefix + ".attention.q", block, Kind.QUERIES, queries));
        all.add(new Site(prefix + ".attention.k", block, Kind.KEYS, keys));
        all.add(new Site(prefix + ".attention.v", block, Kind.VALUES, keys));
        if (a.positions() instanceof Rope) {
            all.add(new Site(prefix + ".attention.q_rope", block, Kind.ROPE_QUERIES, queries));
            all.add(new Site(prefix + ".attention.k_rope", block, Kind.ROPE_KEYS, keys));
        }
        all.add(input(spec, block, 1, Kind.OUTPUT_INPUT));
        all.add(input(spec, block, 2, Kind.MLP_INPUT));
        for (List<LinearSite> group : LinearSite.groups(spec.stages(block).get(3))) {
            LinearSite down = group.getFirst();
            boolean expert = down.part() == LinearSite.Part.EXPERT;
            all.add(new Site(down.input(), block, expert ? Kind.EXPERT_INPUT : Kind.DOWN_INPUT, down.in()));
        }
        all.add(new Site(prefix + ".output", block, Kind.RESIDUAL, spec.hidden()));
        return all;
    }

    private static Site input(DecoderSpec spec, int block, int stage, Kind kind) {
        var linear = spec.stages(block).get(stage).getFirst();
        return new Site(linear.input(), block, kind, linear.in());
    }
}
