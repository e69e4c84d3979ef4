package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import java.util.Arrays;
import java.util.stream.IntStream;

/** Which experts of one block the tokens of many sequences get: what their linears read, and how much of it there is. */
public final class RoutedTokens {
    private final Experts experts;

    /** Slot s of token t is at t * k + s. */
    private final int[] chosen;

    private final int[] order;
    private final int[] starts;

    /** @param chosen (tokens * k) */
    RoutedTokens(Experts experts, int[] chosen) {
        this.experts = experts;
        this.chosen = chosen;
        this.order = Routing.byExpert(chosen, experts.count());
        this.starts = Routing.starts(chosen, experts.count());
    }

    /** Tokens that each expert gets; together tokens * k. */
    public long[] coverage() {
        return IntStream.range(0, experts.count()).mapToLong(this::tokens).toArray();
    }

    /** Tokens that an expert gets. */
    public long tokens(int expert) {
        return (long) starts[expert + 1] - starts[expert];
    }

    /**
     * What a linear of stage 3 or of an expert reads, token by token; the caller closes it.
     *
     * @param stage of {@link DecoderBlock}, 2 or 3
     * @param input of the stage, all tokens
     */
    public Activations inputs(int stage, LinearSite site, Activations input, Spill spill) {
        int k = experts.perToken();
        boolean shared = site.part() == LinearSite.Part.SHARED;
        int[] slots = shared
                ? IntStream.range(0, chosen.length / k).map(token -> token * k).toArray()
                : Arrays.copyOfRange(order, starts[site.expert()], starts[site.expert() + 1]);
        int[] rows = Arrays.stream(slots).map(slot -> slot / k).toArray();
        int[] columns = new int[slots.length];
        if (stage == 3) {
            Arrays.setAll(columns, i -> (shared ? k : slots[i] % k) * experts.width());
        }
        return input.picked(rows, columns, site.in(), spill);
    }
}
