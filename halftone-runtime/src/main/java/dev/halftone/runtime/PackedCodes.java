package dev.halftone.runtime;

import dev.halftone.format.BilevelWeight;
import dev.halftone.format.CodebookWeight;
import dev.halftone.format.IntGroup;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.OutlierWeight;
import dev.halftone.format.Outliers;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.TurnedWeight;
import dev.halftone.format.TwoGridWeight;
import dev.halftone.kernel.packed.CodeGroups;
import dev.halftone.kernel.packed.PackedMatrices;
import dev.halftone.kernel.packed.StoredMatrix;
import dev.halftone.kernel.packed.TileLoop;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Optional;

/** Halftone's packed weights as the kernels want them: codes and scales stay what they are. */
final class PackedCodes {
    private static final int BLOCK = 32;

    private PackedCodes() {}

    /** The matrix; empty if the kernels have no place for the format. */
    static Optional<StoredMatrix> matrix(StoredWeight weight, Arena arena) {
        return switch (weight) {
            case PackedWeight packed -> packed(packed, arena);
            case OutlierWeight(StoredWeight dense, Outliers outliers) ->
                matrix(dense, arena).map(known -> withOutliers(known, outliers));
            case BilevelWeight _, TwoGridWeight _, CodebookWeight _, TurnedWeight _ -> Optional.empty();
        };
    }

    private static Optional<StoredMatrix> packed(PackedWeight weight, Arena arena) {
        int in = weight.in();
        int groups = weight.format().groups(in);
        // One group of a whole row ends where the row does.
        int group =
                groups == 1 ? Math.ceilDiv(in, BLOCK) * BLOCK : weight.format().groupIn(in);
        if (weight.format().reordered() || group % BLOCK != 0) {
            return Optional.empty();
        }
        return switch (weight.format()) {
            case IntGroup format -> Optional.of(integers(weight, format, group, groups, arena));
            case LevelGroup format when format.bits() <= 4 -> Optional.of(levels(weight, format, group, groups, arena));
            case LevelGroup _ -> Optional.empty();
        };
    }

    /** (code - zero) scale + offset, with zero points in the offset where groups have their own. */
    private static StoredMatrix integers(PackedWeight weight, IntGroup format, int group, int groups, Arena arena) {
        float[] scales = scales(weight, groups);
        boolean minimum = format.minimumBytes(weight.in()) > 0;
        boolean common = format.zeroBytes(weight.in()) == 0;
        int zero = common ? format.middle() : 0;
        float[] minima = new float[scales.length];
        for (int row = 0; row < weight.out(); row++) {
            for (int g = 0; g < groups; g++) {
                int at = row * groups + g;
                float offset = format.offset(scales[at], minimum ? weight.storedMinimum(row, g) : 0);
                minima[at] = common ? offset : offset - scales[at] * weight.storedZero(row, g);
            }
        }
        boolean none = allZero(minima);
        CodeGroups description = new CodeGroups(
                format.bits(), weight.out(), weight.in(), group, zero, scales, none ? new float[0] : minima);
        return PackedMatrices.ofGroups(description, codes(weight), arena, TileLoop.SEQUENTIAL);
    }

    private static boolean allZero(float[] values) {
        for (float value : values) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    private static StoredMatrix levels(PackedWeight weight, LevelGroup format, int group, int groups, Arena arena) {
        float[] levels = new float[1 << format.bits()];
        for (int code = 0; code < levels.length; code++) {
            levels[code] = format.value(code, 1, 0, 0);
        }
        CodeGroups description = new CodeGroups(
                format.bits(), weight.out(), weight.in(), group, 0, scales(weight, groups), new float[0]);
        return PackedMatrices.ofLevels(description, levels, codes(weight), arena, TileLoop.SEQUENTIAL);
    }

    private static float[] scales(PackedWeight weight, int groups) {
        float[] scales = new float[Math.multiplyExact(weight.out(), groups)];
        for (int row = 0; row < weight.out(); row++) {
            for (int g = 0; g < groups; g++) {
                scales[row * groups + g] = weight.storedScale(row, g) * weight.multiple();
            }
        }
        return scales;
    }

    private static CodeGroups.Codes codes(PackedWeight weight) {
        return (row, codes) -> Arrays.setAll(codes, input -> input < weight.in() ? weight.code(row, input) : 0);
    }

    private static StoredMatrix withOutliers(StoredMatrix dense, Outliers outliers) {
        int[] starts = new int[dense.rows() + 1];
        int[] columns = new int[outliers.count()];
        float[] differences = new float[outliers.count()];
        int count = 0;
        for (int row = 0; row < dense.rows(); row++) {
            float[] values = new float[dense.columns()];
            outliers.add(row, values, 0);
            for (int column = 0; column < values.length; column++) {
                if (values[column] != 0) {
                    columns[count] = column;
                    differences[count++] = values[column];
                }
            }
            starts[row + 1] = count;
        }
        return PackedMatrices.withDifferences(
                dense, starts, Arrays.copyOf(columns, count), Arrays.copyOf(differences, count));
    }
}
