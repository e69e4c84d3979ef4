package dev.halftone.rotation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HadamardTest {
    @ParameterizedTest
    @ValueSource(
            ints = {
                4, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 100, 108, 124, 132, 140, 148, 156, 164, 172, 180, 24, 344,
                252
            })
    void matricesOfPlusAndMinusOneAreOrthogonal(int order) {
        byte[][] h = HadamardMatrix.of(order).orElseThrow();
        assertThat(h).hasNumberOfRows(order);
        for (int i = 0; i < order; i++) {
            for (int j = 0; j <= i; j++) {
                int product = 0;
                for (int k = 0; k < order; k++) {
                    assertThat(Math.abs(h[i][k])).isEqualTo((byte) 1);
                    product += h[i][k] * h[j][k];
                }
                assertThat(product).isEqualTo(i == j ? order : 0);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {92, 116, 6, 10, 9, 188})
    void ordersWithoutAConstructionAreNotPretended(int order) {
        assertThat(HadamardMatrix.of(order)).isEmpty();
        assertThat(Hadamard.of(order)).isEmpty();
        assertThat(RandomHadamard.of(order, 1).block()).isEqualTo(Integer.lowestOneBit(order));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 16, 32, 64, 576, 1536, 96, 160, 896, 2304, 2752, 4096})
    void theFastTransformIsTheDenseOneAndItsTransposeUndoesIt(int n) {
        Hadamard hadamard = Hadamard.of(n).orElseThrow();
        float[] x = gaussian(n, n);
        float[] y = x.clone();
        hadamard.forward(y, 0);
        byte[][] outer = hadamard.order() == 1
                ? new byte[][] {{1}}
                : HadamardMatrix.of(hadamard.order()).orElseThrow();
        int inner = n / outer.length;
        for (int row = 0; row < n; row += Math.max(1, n / 23)) {
            double sum = 0;
            for (int j = 0; j < n; j++) {
                int sign = Integer.bitCount(row % inner & j % inner) % 2 == 0 ? 1 : -1;
                sum += outer[row / inner][j / inner] * sign * (double) x[j];
            }
            assertThat((double) y[row]).isCloseTo(sum / Math.sqrt(n), within(2e-5));
        }
        assertThat(norm(y)).isCloseTo(norm(x), within(1e-5 * norm(x)));
        hadamard.inverse(y, 0);
        for (int i = 0; i < n; i++) {
            assertThat(y[i]).isCloseTo(x[i], within(1e-5f));
        }
    }

    @Test
    void sizesUseTheSmallestOrderTheyCan() {
        assertThat(Hadamard.of(4096).orElseThrow().order()).isEqualTo(1);
        assertThat(Hadamard.of(576).orElseThrow().order()).isEqualTo(36);
        assertThat(Hadamard.of(1536).orElseThrow().order()).isEqualTo(12);
        assertThat(Hadamard.of(11008).orElseThrow().order()).isEqualTo(172);
    }

    /** (x Q)(W Q)^T = x W^T: a linear keeps its function if both its operands turn. */
    @ParameterizedTest
    @ValueSource(ints = {16, 32, 576, 1536})
    void bothOperandsTurnedGiveTheSameProduct(int n) {
        for (RandomHadamard rotation : new RandomHadamard[] {RandomHadamard.of(n, 7), RandomHadamard.blocks(16, 7)}) {
            float[] x = gaussian(1, n);
            float[] w = gaussian(2, n);
            double before = dot(x, w);
            float[] turned = x.clone();
            rotation.rotate(turned, 0, n);
            rotation.rotate(w, 0, n);
            assertThat(dot(turned, w)).isCloseTo(before, within(1e-5 * norm(x) * norm(w)));
            assertThat(turned).isNotEqualTo(x);
            rotation.undo(turned, 0, n);
            for (int i = 0; i < n; i++) {
                assertThat(turned[i]).isCloseTo(x[i], within(1e-5f));
            }
        }
    }

    @Test
    void seedsAreRotations() {
        float[] one = gaussian(3, 64);
        float[] same = one.clone();
        float[] other = one.clone();
        RandomHadamard.of(64, 1).rotate(one, 0, 64);
        RandomHadamard.of(64, 1).rotate(same, 0, 64);
        RandomHadamard.of(64, 2).rotate(other, 0, 64);
        assertThat(same).isEqualTo(one);
        assertThat(other).isNotEqualTo(one);
    }

    @Test
    void anOutlierIsSpreadOverItsBlock() {
        float[] x = gaussian(4, 576);
        x[100] = 500;
        double before = crest(x);
        RandomHadamard.of(576, 1).rotate(x, 0, 576);
        assertThat(before).isGreaterThan(20);
        assertThat(crest(x)).isLessThan(3);
    }

    @Test
    void lengthsThatAreNoWholeBlocksAreRefused() {
        assertThatThrownBy(() -> RandomHadamard.blocks(16, 1).rotate(new float[40], 0, 40))
                .hasMessage("40 values are no whole blocks of 16");
        assertThatThrownBy(() -> RandomHadamard.blocks(92, 1)).hasMessage("no Hadamard matrix of order 92");
    }

    private static double crest(float[] x) {
        float most = 0;
        for (float value : x) {
            most = Math.max(most, Math.abs(value));
        }
        return most * Math.sqrt(x.length) / norm(x);
    }

    private static double norm(float[] x) {
        return Math.sqrt(dot(x, x));
    }

    private static double dot(float[] x, float[] y) {
        double sum = 0;
        for (int i = 0; i < x.length; i++) {
            sum += (double) x[i] * y[i];
        }
        return sum;
    }

    private static float[] gaussian(long seed, int n) {
        Random random = new Random(seed);
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) random.nextGaussian();
        }
        return x;
    }
}
