package dev.halftone.runtime;

import dev.halftone.kernel.decode.DecodeKernels;
import dev.halftone.kernel.decode.Nonlinearity;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.Learned;
import dev.halftone.model.DecoderSpec.Projection;
import dev.halftone.runtime.Batch.Piece;
import dev.halftone.runtime.Batch.Run;
import dev.halftone.runtime.DecoderWeights.ExpertWeights;
import dev.halftone.runtime.DecoderWeights.Layer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One pass of a batch through the model, in memory that is used again for the next one. Rows are tokens; between products a row is a
 * matter of its own.
 */
final class ForwardPass {
    private static final DecodeKernels KERNELS = DecodeKernels.best();

    /** Floats of rows that one thread may as well see to alone: waking others costs as much. */
    private static final int ALONE = 4096;

    /** Rows of logits that are computed together. */
    private static final int HEAD_ROWS = 64;

    private final DecoderSpec spec;
    private final DecoderWeights weights;
    private final SpinPool pool;
    private final Nonlinearity activation;
    private final HeadPass heads;
    private final AttentionPass attention;
    private final @Nullable ExpertPass experts;

    /** (rows, hidden): the residual stream, a stage's input, and what is added to the stream. */
    private float[] residual = {};

    private float[] input = {};
    private float[] added = {};

    /** Queries, keys, values and, where they come of one linear, its output; then what attention gives. */
    private float[] q = {};

    private float[] k = {};
    private float[] v = {};
    private float[] fused = {};
    private float[] mixed = {};

    /** (rows, intermediate), or twice that where gate and up are one linear. */
    private float[] gate = {};

    private float[] up = {};

    private int room;

    ForwardPass(DecoderSpec spec, DecoderWeights weights, SpinPool pool) {
        this.spec = spec;
        this.weights = weights;
        this.pool = pool;
        this.activation = switch (spec.mlp().activation()) {
            case SILU -> Nonlinearity.SILU;
            case GELU -> Nonlinearity.GELU;
            case GELU_TANH -> Nonlinearity.GELU_TANH;
            case RELU -> Nonlinearity.RELU;
        };
        this.heads = new HeadPass(spec);
        this.attention = new AttentionPass(spec.attention(), pool.threads());
        Experts mixture = spec.mlp().experts();
        this.experts = mixture == null ? null : new ExpertPass(mixture, activation, pool, spec.hidden());
    }

    private void reach(int rows) {
        if (rows <= room) {
            return;
        }
        room = rows;
        DecoderSpec.Attention a = spec.attention();
        residual = new float[rows * spec.hidden()];
        input = new float[rows * spec.hidden()];
        added = new float[rows * spec.hidden()];
        q = new float[rows * a.queryWidth()];
        k = new float[rows * a.keyWidth()];
        v = new float[rows * a.keyWidth()];
        fused = a.projection() == Projection.SEPARATE ? fused : new float[rows * (a.queryWidth() + 2 * a.keyWidth())];
        mixed = new float[rows * a.queryWidth()];
        gate = new float[rows * spec.intermediate()];
        boolean one = spec.mlp().gated() && spec.names().up().size() == 1;
        up = new float[spec.mlp().gated() ? rows * spec.intermediate() * (one ? 2 : 1) : 0];
    }

    /** Reads the batch's tokens into their caches, and puts the logits that are wanted where they belong. */
    void run(Batch batch) {
        reach(batch.rows());
        batch.cut(spec.attention());
        int longest = batch.runs().stream().mapToInt(Run::length).max().orElse(0);
        attention.reach(longest);
        heads.reach(longest);
        embed(batch);
        for (Layer layer : weights.layers()) {
            layer(layer, batch);
        }
        logits(batch);
    }

    /** Calls {@code body} for rows 0 to count - 1, in parallel if there is enough to do. */
    private void forRows(int count, int width, IntConsumer body) {
        int step = Math.max(1, ALONE / width);
        if (count <= step) {
            for (int row = 0; row < count; row++) {
                body.accept(row);
            }
            return;
        }
        pool.run(Math.ceilDiv(count, step), (piece, _) -> {
            for (int row = piece * step; row < Math.min(count, (piece + 1) * step); row++) {
                body.accept(row);
            }
        });
    }

    private void embed(Batch batch) {
        int width = spec.embedding().width();
        float[] target = spec.projected() ? new float[batch.rows() * width] : residual;
        float[] row = new float[width];
        float scale = (float) spec.embedding().scale();
        for (Run run : batch.runs()) {
            for (int i = 0; i < run.count(); i++) {
                weights.embedding().decodeRow(run.id(i), row);
                System.arraycopy(row, 0, target, (run.row() + i) * width, width);
            }
        }
        if (scale != 1) {
            KERNELS.scale(target, 0, batch.rows() * width, scale);
        }
        if (weights.projectIn() != null) {
            weights.projectIn().multiply(pool, target, batch.rows(), residual);
        }
        addPositions(batch);
        RowNorm norm = weights.embeddingNorm();
        if (norm != null) {
            int hidden = spec.hidden();
            forRows(batch.rows(), hidden, r -> norm.apply(residual, r * hidden, residual, r * hidden));
        }
    }

    private void addPositions(Batch batch) {
        int hidden = spec.hidden();
        ModelMatrix positions = weights.positions();
        if (positions != null && spec.attention().positions() instanceof Learned(int offset, int _)) {
            float[] row = new float[hidden];
            for (Run run : batch.runs()) {
                for (int i = 0; i < run.count(); i++) {
                    positions.decodeRow(run.position() + i + offset, row);
                    KERNELS.add(residual, (run.row() + i) * hidden, row, 0, hidden);
                }
            }
        }
        if (weights.tokenType().length > 0) {
            for (int r = 0; r < batch.rows(); r++) {
                KERNELS.add(residual, r * hidden, weights.tokenType(), 0, hidden);
            }
        }
    }

    private void layer(Layer layer, Batch batch) {
        int rows = batch.rows();
        int hidden = spec.hidden();
        forRows(rows, hidden, r -> attentionInput(layer, r * hidden));
        project(layer, rows);
        prepareHeads(layer, batch);
        pool.run(batch.pieces().size(), (index, thread) -> {
            Piece piece = batch.pieces().get(index);
            attention.run(piece, layer.index(), q, mixed, thread);
        });
        layer.output().multiply(pool, mixed, rows, added);
        forRows(rows, hidden, r -> mlpInput(layer, r * hidden));
        mlp(layer, rows);
        forRows(rows, hidden, r -> endOfLayer(layer, r * hidden));
    }

    private void attentionInput(Layer layer, int at) {
        RowNorm norm = layer.attentionNorm();
        if (spec.postNorm() || norm == null) {
            System.arraycopy(residual, at, input, at, spec.hidden());
        } else {
            norm.apply(residual, at, input, at);
        }
    }

    private void project(Layer layer, int rows) {
        if (spec.attention().projection() == Projection.SEPARATE) {
            layer.qkv().multiply(pool, input, rows, q, k, v);
            return;
        }
        layer.qkv().multiply(pool, input, rows, fused);
        forRows(rows, spec.attention().queryWidth(), r -> heads.split(fused, r, q, k, v));
    }

    private void prepareHeads(Layer layer, Batch batch) {
        int width = spec.attention().queryWidth() + spec.attention().keyWidth();
        if (!heads.dependsOnLength()) {
            forRows(batch.rows(), width, row -> {
                Run run = batch.runOf(row);
                heads.prepare(layer, run, row - run.row(), q, k, v);
            });
            return;
        }
        for (Run run : batch.runs()) {
            heads.reach(run.length());
            forRows(run.count(), width, i -> heads.prepare(layer, run, i, q, k, v));
        }
    }

    /** Adds attention to the stream of a row, and makes the MLP's input. */
    private void mlpInput(Layer layer, int at) {
        int hidden = spec.hidden();
        RowNorm output = layer.attentionOutputNorm();
        if (output != null) {
            output.apply(added, at, added, at);
        }
        RowNorm norm = layer.mlpNorm();
        switch (spec.order()) {
            case SEQUENTIAL -> {
                KERNELS.add(residual, at, added, at, hidden);
                Objects.requireNonNull(norm).apply(residual, at, input, at);
            }
            case PARALLEL -> {
                // Without a norm of its own the MLP reads attention's input, which is still there.
                if (norm != null) {
                    norm.apply(residual, at, input, at);
                }
                KERNELS.add(residual, at, added, at, hidden);
            }
            case POST_NORM -> {
                KERNELS.add(residual, at, added, at, hidden);
                Objects.requireNonNull(layer.attentionNorm()).apply(residual, at, residual, at);
                System.arraycopy(residual, at, input, at, hidden);
            }
        }
    }

    private void mlp(Layer layer, int rows) {
        ExpertWeights mixture = layer.experts();
        if (mixture != null && experts != null) {
            experts.run(mixture, input, rows, added);
            return;
        }
        Linears first = Objects.requireNonNull(layer.up());
        int width = spec.intermediate();
        if (!spec.mlp().gated()) {
            first.multiply(pool, input, rows, gate);
            forRows(rows, width, r -> KERNELS.activate(activation, gate, r * width, width));
        } else if (first.count() == 1) {
            first.multiply(pool, input, rows, up);
            forRows(rows, width, r -> {
                System.arraycopy(up, 2 * r * width, gate, r * width, width);
                gated(gate, r * width, up, (2 * r + 1) * width, width);
            });
        } else {
            first.multiply(pool, input, rows, gate, up);
            forRows(rows, width, r -> gated(gate, r * width, up, r * width, width));
        }
        Objects.requireNonNull(layer.down()).multiply(pool, gate, rows, added);
    }

    private void gated(float[] x, int at, float[] factor, int factorAt, int width) {
        KERNELS.activate(activation, x, at, width);
        KERNELS.multiply(x, at, factor, factorAt, width);
    }

    private void endOfLayer(Layer layer, int at) {
        RowNorm output = layer.mlpOutputNorm();
        if (output != null) {
            output.apply(added, at, added, at);
        }
        KERNELS.add(residual, at, added, at, spec.hidden());
        if (spec.postNorm()) {
            Objects.requireNonNull(layer.mlpNorm()).apply(residual, at, residual, at);
        }
    }

    /** A row whose logits are wanted, and where they go. */
    private record Wanted(int row, float[] logits, int at) {}

    private void logits(Batch batch) {
        List<Wanted> wanted = new ArrayList<>();
        int vocabulary = spec.embedding().vocabulary();
        for (Run run : batch.runs()) {
            for (int i = 0; i < run.wanted(); i++) {
                int row = run.row() + run.count() - run.wanted() + i;
                wanted.add(new Wanted(row, run.logits(), (run.logitsAt() + i) * vocabulary));
            }
        }
        for (int from = 0; from < wanted.size(); from += HEAD_ROWS) {
            head(wanted.subList(from, Math.min(wanted.size(), from + HEAD_ROWS)));
        }
    }

    private void head(List<Wanted> rows) {
        int hidden = spec.hidden();
        int vocabulary = spec.embedding().vocabulary();
        RowNorm norm = weights.finalNorm();
        forRows(rows.size(), hidden, i -> {
            int at = rows.get(i).row() * hidden;
            if (norm == null) {
                System.arraycopy(residual, at, input, i * hidden, hidden);
            } else {
                norm.apply(residual, at, input, i * hidden);
            }
        });
        float[] x = input;
        if (weights.projectOut() != null) {
            x = new float[rows.size() * spec.embedding().width()];
            weights.projectOut().multiply(pool, input, rows.size(), x);
        }
        Wanted first = rows.getFirst();
        boolean alone = rows.size() == 1 && first.at() == 0;
        float[] y = alone ? first.logits() : new float[rows.size() * vocabulary];
        weights.head().multiply(pool, x, rows.size(), y);
        forRows(rows.size(), vocabulary, i -> {
            scaleAndCap(y, i * vocabulary, vocabulary);
            if (!alone) {
                System.arraycopy(
                        y, i * vocabulary, rows.get(i).logits(), rows.get(i).at(), vocabulary);
            }
        });
    }

    private void scaleAndCap(float[] y, int at, int length) {
        if (spec.head().scale() != 1) {
            KERNELS.scale(y, at, length, (float) spec.head().scale());
        }
        if (spec.head().softcap() > 0) {
            KERNELS.cap(y, at, length, (float) spec.head().softcap());
        }
    }
}
