package dev.halftone.format;

import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Range;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Inputs rounded on the grids of a {@link LevelGroup}, by the code that packs weights. What a granularity means: of a format
 * without blocks, what shares a scale; of one with E4M3 scales, what shares the FP32 number that they are multiples of; of one
 * with powers of two nothing, its blocks need no more than themselves.
 */
final class LevelInputs {
    private final LevelGroup format;
    private final Granularity granularity;
    private final int group;

    LevelInputs(LevelGroup format, Granularity granularity, int group) {
        this.format = format;
        this.granularity = granularity;
        this.group = group;
    }

    /**
     * Rounds in place.
     *
     * @param x (tokens, channels), row-major
     */
    void round(float[] x, int channels, @Nullable Range range) {
        if (x.length == 0) {
            return;
        }
        int share = switch (granularity) {
            case TENSOR, STATIC -> x.length;
            case TOKEN -> channels;
            case GROUP -> group;
        };
        int length = format.group() == NumberFormat.ROW ? share : format.group();
        float[] ones = new float[length];
        Arrays.fill(ones, 1);
        for (int from = 0; from < x.length; from += share) {
            if (range != null && format.group() == NumberFormat.ROW) {
                round(x, from, share, magnitude(range) / format.elements().largest());
                continue;
            }
            LevelGrid grid = new LevelGrid(format, ClipSearch.MIN_MAX, unit(x, from, share, range));
            for (int at = from; at < from + share; at += length) {
                GroupValues values = GroupValues.run(x, at, length);
                if (Float.isNaN(values.magnitude())) {
                    // What came before has gone wrong already: that must stay visible.
                    Arrays.fill(x, at, at + length, Float.NaN);
                    continue;
                }
                grid.fit(values, ColumnWeights.of(ones, 0));
                round(x, at, length, grid.scale());
            }
        }
    }

    private static float magnitude(Range range) {
        return Math.max(Math.max(Math.abs(range.least()), Math.abs(range.most())), Float.MIN_NORMAL);
    }

    private float unit(float[] x, int from, int length, @Nullable Range range) {
        if (format.scale() != ScaleType.E4M3) {
            return format.unit(new float[0]);
        }
        float most = range == null ? GroupValues.run(x, from, length).magnitude() : magnitude(range);
        return Float.isNaN(most) ? 1 : format.unit(most);
    }

    private void round(float[] x, int at, int length, float scale) {
        Elements elements = format.elements();
        for (int i = at; i < at + length; i++) {
            x[i] = Float.isNaN(x[i]) ? x[i] : elements.value(elements.code(x[i] / scale)) * scale;
        }
    }
}
