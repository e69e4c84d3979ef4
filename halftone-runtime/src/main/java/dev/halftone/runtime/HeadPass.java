package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Positions;
import dev.halftone.model.DecoderSpec.Projection;
import dev.halftone.model.Rope;
import dev.halftone.runtime.Batch.Run;
import dev.halftone.runtime.DecoderWeights.Layer;
import org.jspecify.annotations.Nullable;

/** What happens to queries and keys between their projections and attention: norms, clipping, rotary positions, the cache. */
final class HeadPass {
    private static final DecodeKernels KERNELS = DecodeKernels.best();

    private final Attention attention;
    private final @Nullable RotaryTable rotary;
    private final @Nullable RotaryTable localRotary;

    HeadPass(DecoderSpec spec) {
        this.attention = spec.attention();
        this.rotary = table(attention.positions(false));
        Positions local = attention.localPositions();
        this.localRotary = local == null ? rotary : table(local);
    }

    private static @Nullable RotaryTable table(Positions positions) {
        return positions instanceof Rope rope ? new RotaryTable(rope) : null;
    }

    /** True if the angles of a position depend on the length of its sequence. */
    boolean dependsOnLength() {
        return (rotary != null && rotary.dependsOnLength()) || (localRotary != null && localRotary.dependsOnLength());
    }

    /** Makes the tables right for a sequence of that many tokens. */
    void reach(int length) {
        if (rotary != null) {
            rotary.reach(length);
        }
        if (localRotary != null) {
            localRotary.reach(length);
        }
    }

    /**
     * Copies q, k and v of a row out of one linear's output.
     *
     * @param row of all four
     */
    void split(float[] fused, int row, float[] q, float[] k, float[] v) {
        int dim = attention.headDim();
        int share = attention.share();
        int qw = attention.queryWidth();
        int kw = attention.keyWidth();
        int at = row * (qw + 2 * kw);
        if (attention.projection() == Projection.STACKED) {
            System.arraycopy(fused, at, q, row * qw, qw);
            System.arraycopy(fused, at + qw, k, row * kw, kw);
            System.arraycopy(fused, at + qw + kw, v, row * kw, kw);
            return;
        }
        for (int head = 0; head < attention.kvHeads(); head++) {
            int group = at + head * (share + 2) * dim;
            System.arraycopy(fused, group, q, row * qw + head * share * dim, share * dim);
            System.arraycopy(fused, group + share * dim, k, row * kw + head * dim, dim);
            System.arraycopy(fused, group + (share + 1) * dim, v, row * kw + head * dim, dim);
        }
    }

    /** Makes the queries of a run's token ready, and keeps its keys and values. */
    void prepare(Layer layer, Run run, int index, float[] q, float[] k, float[] v) {
        int row = run.row() + index;
        int position = run.position() + index;
        int qAt = row * attention.queryWidth();
        int kAt = row * attention.keyWidth();
        if (attention.headNorm() == HeadNorm.WHOLE) {
            headNorms(layer.queryNorm(), q, qAt, 1, attention.queryWidth());
            headNorms(layer.keyNorm(), k, kAt, 1, attention.keyWidth());
        }
        if (attention.clip() > 0) {
            clip(q, qAt, attention.queryWidth());
            clip(k, kAt, attention.keyWidth());
            clip(v, kAt, attention.keyWidth());
        }
        if (attention.headNorm() != HeadNorm.WHOLE) {
            headNorms(layer.queryNorm(), q, qAt, attention.heads(), attention.headDim());
            headNorms(layer.keyNorm(), k, kAt, attention.kvHeads(), attention.headDim());
        }
        RotaryTable table = attention.local(layer.index()) ? localRotary : rotary;
        if (table != null) {
            turn(table, q, qAt, attention.heads(), position);
            turn(table, k, kAt, attention.kvHeads(), position);
        }
        run.cache().store(layer.index(), position, k, kAt, v, kAt);
    }

    private static void headNorms(@Nullable RowNorm norm, float[] x, int at, int count, int width) {
        if (norm == null) {
            return;
        }
        boolean common = norm.gain().length == width;
        for (int head = 0; head < count; head++) {
            int from = at + head * width;
            norm.part(x, from, x, from, width, common ? 0 : head * width);
        }
    }

    private void clip(float[] x, int at, int length) {
        float most = (float) attention.clip();
        for (int i = at; i < at + length; i++) {
            x[i] = Math.clamp(x[i], -most, most);
        }
    }

    private void turn(RotaryTable table, float[] x, int at, int heads, int position) {
        int half = table.half();
        int angles = position * half;
        for (int head = 0; head < heads; head++) {
            int from = at + head * attention.headDim();
            if (table.rope().interleaved()) {
                turnNeighbours(x, from, half, table, angles);
            } else {
                KERNELS.turn(x, from, half, table.cos(), table.sin(), angles);
            }
        }
    }

    private static void turnNeighbours(float[] x, int at, int half, RotaryTable table, int angles) {
        for (int i = 0; i < half; i++) {
            float a = x[at + 2 * i];
            float b = x[at + 2 * i + 1];
            float cos = table.cos()[angles + i];
            float sin = table.sin()[angles + i];
            x[at + 2 * i] = Math.fma(-b, sin, a * cos);
            x[at + 2 * i + 1] = Math.fma(b, cos, a * sin);
        }
    }
}
