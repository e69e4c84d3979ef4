package dev.halftone.model;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The common input of linears, and what makes it: the place where channels can be scaled without changing the model's
 * function, by dividing the producer and multiplying the readers' columns.
 *
 * @param stage of {@link DecoderBlock} whose input it is; where one norm serves attention and MLP, readers are of both stages
 * @param width channels
 * @param readers the linears
 */
public record Junction(int stage, int width, Producer producer, List<LinearSite> readers) {
    /** The name of the input's site: that of the first reader. */
    public String name() {
        return readers.getFirst().input();
    }

    /** What makes the channels. */
    public sealed interface Producer permits NormOutput, LinearOutput, Opaque {}

    /**
     * A norm, whose weight (and bias) has one entry per channel.
     *
     * @param norm name without {@code .weight}
     * @param offset what is added to the stored weight before it counts: 1 in Gemma
     */
    public record NormOutput(String norm, double offset) implements Producer {
        /** A norm whose stored weight counts as it is. */
        public NormOutput(String norm) {
            this(norm, 0);
        }
    }

    /**
     * A linear, through operations that commute with positive scales of the channels.
     *
     * @param rows channel c is row {@code rows[c]}; where several channels share a row, they need one scale
     */
    public record LinearOutput(LinearSite site, int[] rows) implements Producer {
        @Override
        public boolean equals(Object other) {
            return other instanceof LinearOutput(LinearSite otherSite, int[] otherRows)
                    && site.equals(otherSite)
                    && Arrays.equals(rows, otherRows);
        }

        @Override
        public int hashCode() {
            return Objects.hash(site, Arrays.hashCode(rows));
        }

        @Override
        public String toString() {
            return "LinearOutput[" + site.weight() + "]";
        }
    }

    /**
     * Nothing that a scale could be folded into: it is applied at run time.
     *
     * @param reason what stands in the way
     */
    public record Opaque(String reason) implements Producer {}
}
