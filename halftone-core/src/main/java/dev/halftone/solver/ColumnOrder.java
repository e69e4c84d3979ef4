package dev.halftone.solver;

import java.util.Comparator;
import java.util.Locale;
import java.util.stream.IntStream;

/** In which order error-feedback solvers round the columns of a weight. Of equal columns the first comes first. */
public enum ColumnOrder {
    /** Their own. */
    NATURAL,

    /** Falling diag(H): the columns whose errors weigh most are rounded while there are most columns to make up for them. */
    ACT,

    /** Falling diag(H) inside each group, and groups by their largest diag(H): groups stay whole. GPTQModel's default. */
    GAR;

    /** The name in recipes. */
    public String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * The column of each step.
     *
     * @param diagonal diag(H)
     * @param group columns per group
     */
    int[] of(double[] diagonal, int group) {
        IntStream columns = IntStream.range(0, diagonal.length);
        if (this == NATURAL) {
            return columns.toArray();
        }
        Comparator<Integer> falling =
                Comparator.comparingDouble((Integer j) -> -diagonal[j]).thenComparingInt(j -> j);
        if (this == GAR) {
            double[] largest = new double[diagonal.length / group];
            for (int j = 0; j < diagonal.length; j++) {
                largest[j / group] = Math.max(largest[j / group], diagonal[j]);
            }
            falling = Comparator.comparingDouble((Integer j) -> -largest[j / group])
                    .thenComparingInt(j -> j / group)
                    .thenComparing(falling);
        }
        return columns.boxed().sorted(falling).mapToInt(Integer::intValue).toArray();
    }
}
