package dev.halftone.solver;

import dev.halftone.calibration.Gram;
import dev.halftone.format.gguf.BlockBytes;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.format.gguf.RowQuantizer;
import dev.halftone.solver.ColumnLoop.Walk;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Fills the blocks of a GGUF type: same bytes, same readers as a file of llama.cpp's own quantizer, a smaller error of the layer's
 * output.
 *
 * <p>Source: own; {@code methods/calibrated-gguf.md}. Steps for W (out, in) and H = sum x x^T / tokens (in, in):
 *
 * <ol>
 *   <li>The target becomes W + G H_d^-1 where a drift G of the inputs is given: with x the original model's input and x' the
 *       quantized one's, G = W mean((x - x') x'^T), and W x ~ (W + G H^-1) x'.
 *   <li>Scales by the type's own search, importance diag(H), as they are stored.
 *   <li>GPTQ over the columns in the order of falling diag(H), each rounded on its block's grid.
 *   <li>Rounds of coordinate descent under H_d: codes, then scales and minima as they are stored, each change kept only if the
 *       error tr((W - Q) H_d (W - Q)^T) falls.
 * </ol>
 *
 * <p>H_d = H + ridge * diag(H) + damping * mean(diag H) * I. Rows are independent and run in parallel; float64 but for the loop of GPTQ. Cost O(in^3 + rounds * out * in^2)
 * time.
 */
public final class BlockFill {
    private static final int ROWS = 32;

    /** By how much the damping's share rises after a failure. */
    private static final double DAMPING_STEP = 0.01;

    /**
     * What a recipe can set.
     *
     * @param ridge share of its own mean square added to each input's: a text whose inputs hang together otherwise than
     *     calibration's costs less
     * @param damping share of mean(diag H) added to the diagonal
     * @param feedback GPTQ's error feedback; without it codes are those of the scales' search
     * @param rounds of coordinate descent; 0: none
     * @param drift the target is what the original model's activations give, not W on the quantized one's
     */
    public record Options(double ridge, double damping, boolean feedback, int rounds, boolean drift) {
        public Options {
            if (rounds < 0 || !(damping >= 0 && damping <= 1) || !(ridge >= 0 && ridge <= 1)) {
                throw new IllegalArgumentException("ridge %s, damping %s, rounds %d".formatted(ridge, damping, rounds));
            }
        }
    }

    /**
     * What a fill returns.
     *
     * @param proxyLoss tr((W - Q) H (W - Q)^T) / tr(W H W^T) of the target W
     * @param rtnLoss the same for the type's own quantizer without importance
     * @param codesChanged share of codes that differ from rounding to nearest on the same grids
     */
    public record Filled(
            BlockWeight blocks, double proxyLoss, double rtnLoss, double codesChanged, List<Event> events) {}

    private final Options options;

    private final LastFactor last;

    /** The last H and its ridged one, which linears with one input share. */
    private final AtomicReference<@Nullable Ridged> ridged = new AtomicReference<>();

    private record Ridged(Gram gram, Gram ridged) {}

    public BlockFill(Options options) {
        this.options = options;
        this.last = new LastFactor(new DampedFactor.Damping(options.damping(), DAMPING_STEP, false));
    }

    /** The name in reports. */
    public String name() {
        return options.feedback() ? "gptq" : "rtn";
    }

    public Options options() {
        return options;
    }

    /**
     * Fills a weight.
     *
     * @param drift G (out, in), what the quantized model's inputs are off by, as moments; null for none
     */
    public Filled fill(WeightProblem problem, double @Nullable [] drift, BlockLayout layout, Workers workers) {
        Gram gram = problem.gram();
        if (gram == null) {
            throw new IllegalArgumentException("calibrated blocks need second moments");
        }
        int[] order = ColumnOrder.ACT.of(gram.diagonal(), 1);
        Ridged known = ridged.get();
        if (known == null || !known.gram().equals(gram)) {
            known = new Ridged(gram, options.ridge() == 0 ? gram : gram.ridged(options.ridge()));
            ridged.set(known);
        }
        Ridged moments = known;
        return last.with(
                known.ridged(),
                order,
                workers,
                factor -> fill(problem, moments, drift, layout, order, factor, workers));
    }

    private Filled fill(
            WeightProblem problem,
            Ridged moments,
            double @Nullable [] drift,
            BlockLayout layout,
            int[] order,
            DampedFactor factor,
            Workers workers) {
        Gram gram = moments.gram();
        double[] r = factor.r();
        WeightProblem target = r == null ? problem : target(problem, drift, order, factor.dead(), r);
        BlockGrid grid = new BlockGrid(target, layout, importance(gram), workers);
        if (r != null && options.feedback()) {
            new ColumnLoop(target.weight(), problem.out(), new Walk(order, r, 0, false, ColumnLoop.BLOCK), grid, null)
                    .run(workers);
        }
        if (r != null && options.rounds() > 0) {
            new BlockDescent(target, moments.ridged().h(), factor.added(), grid).run(options.rounds(), workers);
        }
        BlockWeight blocks = pack(grid.rows(), layout, problem);
        try (LayerLoss loss = new LayerLoss(target, gram, workers)) {
            return new Filled(
                    blocks,
                    loss.relative(loss.absolute(blocks.decode())),
                    loss.relative(loss.absolute(plain(target, layout, workers).decode())),
                    grid.changed(),
                    factor.events());
        }
    }

    private static float[] importance(Gram gram) {
        double[] diagonal = gram.diagonal();
        float[] importance = new float[diagonal.length];
        for (int j = 0; j < importance.length; j++) {
            importance[j] = (float) diagonal[j];
        }
        return importance;
    }

    /** W with the drift made up for, and zeros where an input never was anything else. */
    private static WeightProblem target(
            WeightProblem problem, double @Nullable [] drift, int[] order, boolean[] dead, double[] r) {
        int in = problem.in();
        float[] w = problem.weight().clone();
        if (drift != null) {
            double[] ordered = new double[drift.length];
            for (int at = 0; at < drift.length; at++) {
                ordered[at] = drift[at - at % in + order[at % in]];
            }
            double[] shift = new double[drift.length];
            Torch.inScope(() -> {
                // X H = G with H = R R^T: R (R^T X^T) = G^T.
                Tensor factor = Tensors.of(r, in, in);
                Tensor inner = torch.linalg_solve_triangular(
                        factor, Tensors.of(ordered, problem.out(), in).t(), true);
                Tensor solved = torch.linalg_solve_triangular(factor.t(), inner, false);
                System.arraycopy(Tensors.doubles(solved.t().contiguous()), 0, shift, 0, shift.length);
            });
            for (int at = 0; at < shift.length; at++) {
                w[at - at % in + order[at % in]] += (float) shift[at];
            }
        }
        for (int at = 0; at < w.length; at++) {
            w[at] = dead[at % in] ? 0 : w[at];
        }
        return problem.withWeight(w);
    }

    private static BlockWeight plain(WeightProblem problem, BlockLayout layout, Workers workers) {
        BlockRow[] rows = new BlockRow[problem.out()];
        workers.forEach(Math.ceilDiv(rows.length, ROWS), tile -> {
            RowQuantizer quantizer = RowQuantizer.of(layout);
            for (int row = tile * ROWS; row < Math.min(rows.length, (tile + 1) * ROWS); row++) {
                rows[row] = new BlockRow(layout, problem.in());
                quantizer.quantize(problem.weight(), row * problem.in(), null, rows[row]);
            }
        });
        return pack(rows, layout, problem);
    }

    private static BlockWeight pack(BlockRow[] rows, BlockLayout layout, WeightProblem problem) {
        int size = layout.rowBytes(problem.in());
        byte[] bytes = new byte[Math.multiplyExact(rows.length, size)];
        for (int row = 0; row < rows.length; row++) {
            BlockBytes.write(rows[row], bytes, row * size);
        }
        return new BlockWeight(layout, problem.out(), problem.in(), MemorySegment.ofArray(bytes));
    }
}
