package dev.halftone.reconstruct;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.GridCodes;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.model.LinearSite;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** arXiv:2309.05516. */
class SignRoundTest {
    private static final int OUT = 6;
    private static final int IN = 64;
    private static final int GROUP = 16;
    private static final LinearSite SITE = new LinearSite("w", OUT, IN, false, false, LinearSite.Part.DENSE, 0);

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void withoutAStepItIsTheStartBitForBit(boolean symmetric) {
        float[] w = weight(1);
        try (Workers workers = new Workers(2)) {
            PackedWeight nearest = nearest(w, symmetric, workers);
            PackedWeight same = codes(new SignRound(SITE, w, nearest));
            assertThat(same.codes().mismatch(nearest.codes())).isEqualTo(-1);
            assertThat(same.scales().mismatch(nearest.scales())).isEqualTo(-1);
            assertThat(same.zeros().mismatch(nearest.zeros())).isEqualTo(-1);
        }
    }

    /** As from GPTQ: codes that are not the nearest, some of them by more than one, are the start all the same. */
    @Test
    void itStartsFromAnyCodes() {
        float[] w = weight(2);
        try (Workers workers = new Workers(2)) {
            PackedWeight nearest = nearest(w, false, workers);
            byte[] codes = new byte[OUT * IN];
            RandomGenerator random = new SplittableRandom(3);
            for (int i = 0; i < codes.length; i++) {
                codes[i] = (byte) Math.clamp(nearest.code(i / IN, i % IN) + random.nextInt(-2, 3), 0, 7);
            }
            PackedWeight moved = withCodes(nearest, codes);
            assertThat(codes(new SignRound(SITE, w, moved)).codes().mismatch(moved.codes()))
                    .isEqualTo(-1);
        }
    }

    /** The direction of the first step is that of the straight-through gradient, which autograd finds from the formulas of the paper. */
    @Test
    void aStepGoesAgainstTheStraightThroughGradient() {
        float[] w = weight(4);
        float[] slope = weight(5);
        try (Workers workers = new Workers(2);
                Arena arena = Arena.ofShared()) {
            PackedWeight start = nearest(w, false, workers);
            SignRound trained = new SignRound(SITE, w, start);
            MemorySegment gradient = arena.allocate((long) slope.length * Float.BYTES, 64);
            MemorySegment.copy(slope, 0, gradient, ValueLayout.JAVA_FLOAT, 0, slope.length);
            // Ranges only shrink: a step inwards comes first, so that the second can go either way.
            trained.step(gradient, 0.02, workers);
            SignRound.Parameters before = trained.parameters();
            trained.step(gradient, 0.01, workers);
            SignRound.Parameters after = trained.parameters();
            Torch.inScope(() -> {
                Tensor v = leaf(before.v(), OUT, IN / GROUP, GROUP);
                Tensor a0 = leaf(before.a0(), OUT, IN / GROUP, 1);
                Tensor a1 = leaf(before.a1(), OUT, IN / GROUP, 1);
                Tensor values = values(w, start, v, a0, a1);
                values.mul(Tensors.of(slope, OUT, IN / GROUP, GROUP)).sum().backward();
                assertMoved(before.v(), after.v(), v.grad(), -0.5f, 0.5f);
                assertMoved(before.a0(), after.a0(), a0.grad(), 0, 1);
                assertMoved(before.a1(), after.a1(), a1.grad(), 0, 1);
            });
        }
    }

    /** Also where a range has shrunk to nothing, and with outliers of the grid's ends. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theValuesThatTheBlockReadsAreThoseOfTheFile(boolean symmetric) {
        float[] w = weight(7);
        Arrays.fill(w, 2 * GROUP, 3 * GROUP, 0);
        try (Workers workers = new Workers(2);
                Arena arena = Arena.ofShared()) {
            SignRound trained = new SignRound(SITE, w, nearest(w, symmetric, workers));
            MemorySegment gradient = arena.allocate((long) w.length * Float.BYTES, 64);
            MemorySegment values = arena.allocate((long) w.length * Float.BYTES, 64);
            for (int step = 0; step < 8; step++) {
                float[] slope = weight(20 + step);
                MemorySegment.copy(slope, 0, gradient, ValueLayout.JAVA_FLOAT, 0, slope.length);
                trained.step(gradient, 0.15, workers);
                trained.read(values, workers);
                assertThat(values.toArray(ValueLayout.JAVA_FLOAT))
                        .isEqualTo(codes(trained).decode());
            }
        }
    }

    @Test
    void keptParametersComeBack() {
        float[] w = weight(6);
        try (Workers workers = new Workers(2);
                Arena arena = Arena.ofShared()) {
            PackedWeight start = nearest(w, false, workers);
            SignRound trained = new SignRound(SITE, w, start);
            MemorySegment gradient = arena.allocate((long) w.length * Float.BYTES, 64);
            MemorySegment.copy(w, 0, gradient, ValueLayout.JAVA_FLOAT, 0, w.length);
            trained.step(gradient, 0.3, workers);
            trained.keep();
            MemorySegment kept = codes(trained).codes();
            assertThat(kept.mismatch(start.codes())).isNotEqualTo(-1);
            trained.step(gradient, 0.3, workers);
            assertThat(codes(trained).codes().mismatch(kept)).isNotEqualTo(-1);
            trained.restore();
            assertThat(codes(trained).codes().mismatch(kept)).isEqualTo(-1);
            trained.reset();
            assertThat(codes(trained).codes().mismatch(start.codes())).isEqualTo(-1);
        }
    }

    private static PackedWeight codes(SignRound trained) {
        return (PackedWeight) trained.packed();
    }

    private static Tensor leaf(float[] values, long... shape) {
        return Tensors.of(values, shape).requires_grad_(true);
    }

    /** Rounds, and passes gradients straight through. */
    private static Tensor straight(Tensor x, Tensor rounded) {
        return x.add(rounded.sub(x).detach());
    }

    private static Tensor values(float[] w, PackedWeight start, Tensor v, Tensor a0, Tensor a1) {
        int groups = IN / GROUP;
        float[] low = new float[OUT * groups];
        float[] high = new float[OUT * groups];
        for (int i = 0; i < low.length; i++) {
            float scale = start.storedScale(i / groups, i % groups);
            int zero = start.storedZero(i / groups, i % groups);
            low[i] = -zero * scale;
            high[i] = (7 - zero) * scale;
        }
        Tensor from = a0.mul(Tensors.of(low, OUT, groups, 1));
        Tensor wide = a1.mul(Tensors.of(high, OUT, groups, 1)).sub(from).div(Tensors.scalar(7));
        Tensor s = straight(wide, wide.to(ScalarType.Half).to(ScalarType.Float));
        Tensor shift = from.neg().div(s);
        Tensor z = straight(shift, shift.round()).clamp(zero(), seven());
        Tensor u = Tensors.of(w, OUT, groups, GROUP).div(s).add(v);
        Tensor q = straight(u, u.round()).add(z).clamp(zero(), seven());
        return q.sub(z).mul(s);
    }

    private static ScalarOptional zero() {
        return new ScalarOptional(Tensors.scalar(0));
    }

    private static ScalarOptional seven() {
        return new ScalarOptional(Tensors.scalar(7));
    }

    private static void assertMoved(float[] before, float[] after, Tensor gradient, float least, float most) {
        float[] slopes = Tensors.floats(gradient);
        int moved = 0;
        for (int i = 0; i < slopes.length; i++) {
            if (Math.abs(slopes[i]) > 1e-6f) {
                float expected = Math.clamp(before[i] - 0.01f * Math.signum(slopes[i]), least, most);
                assertThat(after[i]).as("%d, gradient %s", i, slopes[i]).isEqualTo(expected);
                moved++;
            }
        }
        assertThat(moved).isGreaterThan(slopes.length / 2);
    }

    private static PackedWeight nearest(float[] w, boolean symmetric, Workers workers) {
        WeightProblem problem = new WeightProblem("w", w, OUT, IN, null);
        return (PackedWeight) new Rtn(ClipSearch.MIN_MAX)
                .solve(problem, new IntGroup(3, GROUP, symmetric), workers)
                .packed();
    }

    private static PackedWeight withCodes(PackedWeight start, byte[] codes) {
        int groups = IN / GROUP;
        float[] scales = new float[OUT * groups];
        byte[] zeros = new byte[OUT * groups];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = start.storedScale(i / groups, i % groups);
            zeros[i] = (byte) start.storedZero(i / groups, i % groups);
        }
        GridCodes grids = new GridCodes(codes, scales, zeros, new float[0], 1, new int[IN]);
        return PackedWeight.of(start.format(), OUT, IN, grids);
    }

    private static float[] weight(long seed) {
        RandomGenerator random = new SplittableRandom(seed);
        float[] w = new float[OUT * IN];
        for (int i = 0; i < w.length; i++) {
            w[i] = (float) (0.02 * random.nextGaussian());
        }
        return w;
    }
}
