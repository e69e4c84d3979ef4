package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.ClipSearch.Measure;
import dev.halftone.format.ColumnWeights;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What a search of grids knows of a layer's inputs: importance diag(H) over its mean, or the blocks of H. */
final class SearchWeights {
    private final ClipSearch search;
    private final int group;
    private final float[] importance;

    /** Per group its block of H, (group, group); empty unless the search measures outputs. */
    private final double[][] blocks;

    private final @Nullable String missing;

    private SearchWeights(
            ClipSearch search, int group, float[] importance, double[][] blocks, @Nullable String missing) {
        this.search = search;
        this.group = group;
        this.importance = importance;
        this.blocks = blocks;
        this.missing = missing;
    }

    /**
     * For groups of inputs in the order in which grids see them.
     *
     * @param columns (in): the inputs of group 0, those of group 1, ...
     * @param group inputs per group
     */
    static SearchWeights of(WeightProblem problem, ClipSearch search, int[] columns, int group) {
        float[] importance = new float[columns.length];
        Arrays.fill(importance, 1f);
        if (!search.weighted()) {
            return new SearchWeights(search, group, importance, new double[0][], null);
        }
        Gram gram = problem.gram();
        if (gram == null) {
            throw new IllegalArgumentException("a weighted search needs second moments");
        }
        double[] diagonal = gram.diagonal();
        if (Arrays.stream(diagonal).anyMatch(square -> !(square >= 0 && square < Double.POSITIVE_INFINITY))) {
            return unweighted(search, group, importance, "H is no matrix of second moments");
        }
        if (gram.trace() == 0) {
            return unweighted(search, group, importance, "no calibration token gave it an input");
        }
        if (search.measure() == Measure.OUTPUT) {
            return new SearchWeights(search, group, importance, blocks(gram, columns, group), null);
        }
        double mean = gram.trace() / gram.size();
        for (int i = 0; i < columns.length; i++) {
            importance[i] = (float) (diagonal[columns[i]] / mean);
        }
        return new SearchWeights(search, group, importance, new double[0][], null);
    }

    private static SearchWeights unweighted(ClipSearch search, int group, float[] ones, String reason) {
        return new SearchWeights(search.withMeasure(Measure.PLAIN), group, ones, new double[0][], reason);
    }

    private static double[][] blocks(Gram gram, int[] columns, int group) {
        if (group == gram.size()
                && Arrays.equals(columns, IntStream.range(0, group).toArray())) {
            // A whole row: a copy of H could be a gigabyte.
            return new double[][] {gram.h()};
        }
        double[][] blocks = new double[columns.length / group][group * group];
        for (int g = 0; g < blocks.length; g++) {
            for (int i = 0; i < group; i++) {
                for (int j = 0; j < group; j++) {
                    blocks[g][i * group + j] = gram.h()[columns[g * group + i] * gram.size() + columns[g * group + j]];
                }
            }
        }
        return blocks;
    }

    /** The search, unweighted if there is nothing to weight it by. */
    ClipSearch search() {
        return search;
    }

    ColumnWeights group(int g) {
        return new ColumnWeights(importance, g * group, blocks.length == 0 ? null : blocks[g]);
    }

    /** What the result has to say of the search. */
    List<Event> events() {
        return missing == null ? List.of() : List.of(new Event.SearchUnweighted(missing));
    }
}
