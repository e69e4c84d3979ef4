package dev.halftone.solver;

import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockLayout.Offset;
import dev.halftone.format.gguf.BlockRow;
import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;

/**
 * Coordinate descent on blocks of a GGUF type: codes one by one, then the numbers that they are multiplied with, each as it is stored.
 * A change is kept only if e H_d e^T falls, with e = q - w the error of a row.
 *
 * <p>Per row it keeps g = e H_d, so that a change v of the row costs 2 g v^T + v H_d v^T, and g moves by v H_d. Source: for codes
 * QuantEase (Behdin et al., arXiv:2309.01885); for scales {@code methods/calibrated-gguf.md}, step 3.
 */
final class BlockDescent {
    /** Rows that go through the blocks together: their steps are one product with H. */
    private static final int TILE = 32;

    private static final Kernels KERNELS = Kernels.best();

    private final WeightProblem problem;
    private final BlockGrid grid;
    private final BlockLayout layout;
    private final int in;

    /** H_d (in, in). */
    private final double[] h;

    /** @param added what damping adds to the diagonal of H */
    BlockDescent(WeightProblem problem, double[] h, double added, BlockGrid grid) {
        this.problem = problem;
        this.grid = grid;
        this.layout = grid.layout();
        this.in = problem.in();
        this.h = h.clone();
        for (int j = 0; j < in; j++) {
            this.h[j * in + j] += added;
        }
    }

    /** Codes and scales in turn, and codes at the end. */
    void run(int rounds, Workers workers) {
        workers.forEach(Math.ceilDiv(problem.out(), TILE), tile -> {
            int first = tile * TILE;
            Rows rows = new Rows(first, Math.min(TILE, problem.out() - first));
            for (int round = 0; round < rounds; round++) {
                rows.codes();
                rows.scales();
            }
            rows.codes();
        });
    }

    /** Neighbouring rows of the weight. */
    private final class Rows {
        private final int first;
        private final int count;

        /** e H_d (count, in). */
        private final double[] g;

        Rows(int first, int count) {
            this.first = first;
            this.count = count;
            this.g = new double[count * in];
            double[] errors = new double[count * in];
            for (int r = 0; r < count; r++) {
                int row = first + r;
                for (int j = 0; j < in; j++) {
                    float q = grid.value(row, j, grid.rows()[row].code(j));
                    errors[r * in + j] = (double) q - problem.weight()[row * in + j];
                }
            }
            KERNELS.addProduct(g, 0, in, errors, 0, in, h, 0, in, count, in, in);
        }

        void codes() {
            for (int r = 0; r < count; r++) {
                codes(first + r, r * in);
            }
        }

        private void codes(int row, int at) {
            BlockRow blocks = grid.rows()[row];
            for (int j = 0; j < in; j++) {
                int code = blocks.code(j);
                float value = grid.value(row, j, code);
                double curvature = h[j * in + j];
                int fresh = grid.code(row, j, (float) (value - g[at + j] / curvature));
                if (fresh == code) {
                    continue;
                }
                double change = (double) grid.value(row, j, fresh) - value;
                if (change * (2 * g[at + j] + change * curvature) < 0) {
                    blocks.setCode(j, fresh);
                    KERNELS.subtractScaled(g, at, -change, h, j * in, in);
                }
            }
        }

        void scales() {
            for (int b = 0; b < in / layout.block(); b++) {
                if (layout.hasMultipliers()) {
                    for (int run = b * layout.runs(); run < (b + 1) * layout.runs(); run++) {
                        multipliers(run);
                    }
                }
                units(b);
            }
            for (int r = 0; r < count; r++) {
                grid.refresh(first + r);
            }
        }

        /** The integer factors of a run's scale and offset. */
        private void multipliers(int run) {
            int block = run / layout.runs();
            Plane plane = new Plane(this, run * layout.run(), layout.run());
            for (int r = 0; r < count; r++) {
                BlockRow blocks = grid.rows()[first + r];
                float minimum = layout.offset() == Offset.MULTIPLE ? blocks.minimum(block) : 0;
                for (int i = 0; i < layout.run(); i++) {
                    plane.direct(
                            r, i, (double) blocks.unit(block) * layout.level(blocks.code(plane.from + i)), -minimum);
                }
            }
            plane.measure();
            for (int r = 0; r < count; r++) {
                BlockRow blocks = grid.rows()[first + r];
                double[] best = plane.best(r);
                int scale = blocks.multiplier(run);
                int freshScale = bounded(scale + best[0], layout.leastMultiplier());
                boolean offsets = layout.offset() == Offset.MULTIPLE && blocks.minimum(block) != 0;
                int offset = offsets ? blocks.minimumMultiplier(run) : 0;
                int freshOffset = offsets ? bounded(offset + best[1], 0) : 0;
                if (plane.step(r, freshScale - scale, freshOffset - offset)) {
                    blocks.setMultiplier(run, freshScale);
                    if (offsets) {
                        blocks.setMinimumMultiplier(run, freshOffset);
                    }
                }
            }
            plane.move();
        }

        private int bounded(double multiplier, int least) {
            return Math.clamp(Math.round(multiplier), least, layout.largestMultiplier());
        }

        /** The half-precision numbers of a block. */
        private void units(int block) {
            Plane plane = new Plane(this, block * layout.block(), layout.block());
            for (int r = 0; r < count; r++) {
                BlockRow blocks = grid.rows()[first + r];
                for (int i = 0; i < layout.block(); i++) {
                    int run = (plane.from + i) / layout.run();
                    double level = layout.level(blocks.code(plane.from + i));
                    double offset = switch (layout.offset()) {
                        case NONE -> 0;
                        case MINIMUM -> 1;
                        case MULTIPLE -> -blocks.minimumMultiplier(run);
                    };
                    plane.direct(r, i, layout.hasMultipliers() ? level * blocks.multiplier(run) : level, offset);
                }
            }
            plane.measure();
            for (int r = 0; r < count; r++) {
                units(grid.rows()[first + r], block, plane, r);
            }
            plane.move();
        }

        private void units(BlockRow blocks, int block, Plane plane, int r) {
            double[] best = plane.best(r);
            boolean offsets = layout.offset() != Offset.NONE;
            float unit = blocks.unit(block);
            float minimum = offsets ? blocks.minimum(block) : 0;
            blocks.setUnit(block, (float) (unit + best[0]));
            if (offsets) {
                blocks.setMinimum(block, (float) (minimum + best[1]));
            }
            double offsetChange = offsets ? (double) blocks.minimum(block) - minimum : 0;
            if (!plane.step(r, (double) blocks.unit(block) - unit, offsetChange)) {
                blocks.setUnit(block, unit);
                if (offsets) {
                    blocks.setMinimum(block, minimum);
                }
            }
        }
    }

    /** The error of rows as a function of two steps each, s along one direction and m along another, on neighbouring inputs. */
    private final class Plane {
        /** Least share of the product of the curvatures at which two directions count as two. */
        private static final double INDEPENDENT = 1e-9;

        private final Rows rows;
        private final int from;
        private final int size;

        /** (count, size) each: the directions, and their products with the block of H_d. */
        private final double[] first;

        private final double[] second;
        private final double[] firstProduct;
        private final double[] secondProduct;

        /** The steps that are taken (count, size). */
        private final double[] steps;

        private final double[] slopes = new double[2];
        private final double[] curvatures = new double[3];

        Plane(Rows rows, int from, int size) {
            this.rows = rows;
            this.from = from;
            this.size = size;
            int length = rows.count * size;
            this.first = new double[length];
            this.second = new double[length];
            this.firstProduct = new double[length];
            this.secondProduct = new double[length];
            this.steps = new double[length];
        }

        void direct(int r, int i, double one, double other) {
            first[r * size + i] = one;
            second[r * size + i] = other;
        }

        void measure() {
            int at = from * in + from;
            KERNELS.addProduct(firstProduct, 0, size, first, 0, size, h, at, in, rows.count, size, size);
            if (layout.offset() != Offset.NONE) {
                KERNELS.addProduct(secondProduct, 0, size, second, 0, size, h, at, in, rows.count, size, size);
            }
        }

        private void look(int r) {
            double slope = 0;
            double otherSlope = 0;
            double curvature = 0;
            double mixed = 0;
            double otherCurvature = 0;
            for (int i = 0; i < size; i++) {
                int at = r * size + i;
                double g = rows.g[r * in + from + i];
                slope += g * first[at];
                otherSlope += g * second[at];
                curvature += first[at] * firstProduct[at];
                mixed += second[at] * firstProduct[at];
                otherCurvature += second[at] * secondProduct[at];
            }
            slopes[0] = slope;
            slopes[1] = otherSlope;
            curvatures[0] = curvature;
            curvatures[1] = mixed;
            curvatures[2] = otherCurvature;
        }

        /** The steps at which the error of a row is smallest; 0 along a direction of zeros. */
        double[] best(int r) {
            look(r);
            double determinant = curvatures[0] * curvatures[2] - curvatures[1] * curvatures[1];
            if (determinant > INDEPENDENT * curvatures[0] * curvatures[2]) {
                return new double[] {
                    (curvatures[1] * slopes[1] - curvatures[2] * slopes[0]) / determinant,
                    (curvatures[1] * slopes[0] - curvatures[0] * slopes[1]) / determinant
                };
            }
            return new double[] {curvatures[0] > 0 ? -slopes[0] / curvatures[0] : 0, 0};
        }

        /** Takes the steps of the row that {@link #best} looked at last, if the error falls. */
        boolean step(int r, double s, double m) {
            double cost = 2 * (s * slopes[0] + m * slopes[1])
                    + s * s * curvatures[0]
                    + 2 * s * m * curvatures[1]
                    + m * m * curvatures[2];
            if (!(cost < 0)) {
                return false;
            }
            for (int i = r * size; i < (r + 1) * size; i++) {
                steps[i] = s * first[i] + m * second[i];
            }
            return true;
        }

        /** g of all rows moves along. */
        void move() {
            KERNELS.addProduct(rows.g, 0, in, steps, 0, size, h, from * in, in, rows.count, in, size);
        }
    }
}
