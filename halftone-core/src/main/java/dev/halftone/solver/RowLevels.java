package dev.halftone.solver;

import dev.halftone.discrete.LevelSet;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * The values that the codes of a row stand for, rising, group by group. Stored codes may fall with their values, and several may stand for
 * one: the search has its own, and this is the way between the two.
 */
final class RowLevels {
    private final LevelSet[] sets;

    /** Of each group, the stored code of each of the set's. */
    private final int[][] stored;

    private final int[] groupOf;

    private RowLevels(LevelSet[] sets, int[][] stored, int[] groupOf) {
        this.sets = sets;
        this.stored = stored;
        this.groupOf = groupOf;
    }

    static RowLevels of(PackedWeight packed, int row) {
        NumberFormat format = packed.format();
        int groups = format.groups(packed.in());
        LevelSet[] sets = new LevelSet[groups];
        int[][] stored = new int[groups][];
        for (int g = 0; g < groups; g++) {
            double[] values = new double[format.largest() + 1];
            for (int code = 0; code < values.length; code++) {
                // Adding 0 makes one zero of two.
                values[code] = packed.value(row, g, code) + 0.0;
            }
            int[] order = IntStream.range(0, values.length)
                    .boxed()
                    .sorted((p, q) -> Double.compare(values[p], values[q]))
                    .mapToInt(Integer::intValue)
                    .toArray();
            int count = 0;
            double[] rising = new double[order.length];
            int[] codes = new int[order.length];
            for (int code : order) {
                if (count == 0 || values[code] > rising[count - 1]) {
                    rising[count] = values[code];
                    codes[count++] = code;
                }
            }
            sets[g] = new LevelSet(Arrays.copyOf(rising, count));
            stored[g] = Arrays.copyOf(codes, count);
        }
        int[] groupOf = IntStream.range(0, packed.in()).map(packed::groupOf).toArray();
        return new RowLevels(sets, stored, groupOf);
    }

    LevelSet set(int j) {
        return sets[groupOf[j]];
    }

    int stored(int j, int code) {
        return stored[groupOf[j]][code];
    }

    /** The search's codes of the stored ones. */
    int[] codes(PackedWeight packed, int row) {
        int[] codes = new int[groupOf.length];
        Arrays.setAll(codes, j -> set(j).nearest(packed.value(row, groupOf[j], packed.code(row, j))));
        return codes;
    }

    /** What codes stand for. */
    void values(int[] codes, float[] target, int at) {
        for (int j = 0; j < codes.length; j++) {
            target[at + j] = (float) set(j).value(codes[j]);
        }
    }
}
