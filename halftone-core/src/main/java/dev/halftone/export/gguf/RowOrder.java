package dev.halftone.export.gguf;

import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Projection;
import dev.halftone.model.Rope;

/** The order in which a GGUF file keeps the rows of a weight, and the elements of its bias. */
@FunctionalInterface
interface RowOrder {
    /** As in the Hugging Face layout. */
    RowOrder SAME = row -> row;

    /** The Hugging Face row that the file keeps as its {@code row}-th. */
    int source(int row);

    /** @param name in the file */
    static RowOrder of(String name, DecoderSpec spec, Architecture architecture) {
        Attention attention = spec.attention();
        if (name.contains(".attn_qkv.") && attention.projection() == Projection.GROUPED) {
            return grouped(attention);
        }
        boolean turned = name.contains(".attn_q.") || name.contains(".attn_k.");
        return turned && architecture.pairs() && attention.positions() instanceof Rope rope && !rope.interleaved()
                ? interleaved(attention.headDim())
                : SAME;
    }

    /** Architectures that turn neighbours have the halves of every head interleaved. */
    private static RowOrder interleaved(int size) {
        return row -> {
            int inHead = row % size;
            return row - inHead + inHead % 2 * (size / 2) + inHead / 2;
        };
    }

    /** Rows [q of all heads; k; v] from rows that have, for each key head, [q of the heads that share it; k; v]. */
    private static RowOrder grouped(Attention attention) {
        int dim = attention.headDim();
        int heads = attention.heads();
        int kvHeads = attention.kvHeads();
        int share = heads / kvHeads;
        return row -> {
            int head = row / dim;
            int group;
            int inGroup;
            if (head < heads) {
                group = head / share;
                inGroup = head % share;
            } else {
                group = (head - heads) % kvHeads;
                inGroup = share + (head - heads) / kvHeads;
            }
            return (group * (share + 2) + inGroup) * dim + row % dim;
        };
    }
}
