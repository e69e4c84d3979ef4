package dev.halftone.reproduce;

import java.util.function.DoubleUnaryOperator;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Why integers are clamped to -127..127: computed in BF16, x / (x / 127) can come out as 128. A grid with -128 and without 128
 * rounds negative maxima up and down but positive ones down only: a bias, which training adds up.
 *
 * <p>Source: arXiv:2510.25602, section 4 and appendix.
 */
final class SymmetricClipping {
    private static final int SAMPLES = 1 << 18;
    private static final int BLOCK = 32;
    private static final int MOST = 127;

    /**
     * What was measured on N(0, 1).
     *
     * @param bf16Share of values that become 128 as the largest of their block; likewise the others
     * @param biasAsymmetric mean of (Q(x) - x) / scale of the largest value of blocks of 32, in BF16 arithmetic, codes -128..127
     * @param biasSymmetric the same with codes -127..127
     */
    record Result(
            double bf16Share,
            double fp16Share,
            double fp32Share,
            double biasAsymmetric,
            double biasAsymmetricStderr,
            double biasSymmetric,
            double biasSymmetricStderr) {}

    private SymmetricClipping() {}

    static Result measure(long seed) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
        float[] x = new float[SAMPLES];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        double[] asymmetric = bias(x, -MOST - 1);
        double[] symmetric = bias(x, -MOST);
        return new Result(
                share(x, SymmetricClipping::bf16),
                share(x, value -> Float.float16ToFloat(Float.floatToFloat16((float) value))),
                share(x, value -> (float) value),
                asymmetric[0],
                asymmetric[1],
                symmetric[0],
                symmetric[1]);
    }

    /** Share of values with rint(x / (x / 127)) = 128, every operation rounded. */
    private static double share(float[] x, DoubleUnaryOperator rounded) {
        int beyond = 0;
        for (float value : x) {
            double v = rounded.applyAsDouble(value);
            double scale = rounded.applyAsDouble(v / MOST);
            beyond += Math.rint(rounded.applyAsDouble(v / scale)) > MOST ? 1 : 0;
        }
        return (double) beyond / x.length;
    }

    private static double[] bias(float[] x, int least) {
        double sum = 0;
        double squares = 0;
        int count = 0;
        for (int at = 0; at < x.length; at += BLOCK) {
            double peak = 0;
            for (int i = at; i < at + BLOCK; i++) {
                double v = bf16(x[i]);
                peak = Math.abs(v) > Math.abs(peak) ? v : peak;
            }
            double scale = bf16(Math.abs(peak) / MOST);
            double q = Math.clamp(Math.rint(bf16(peak / scale)), (double) least, (double) MOST);
            double error = (bf16(q * scale) - peak) / scale;
            sum += error;
            squares += error * error;
            count++;
        }
        double mean = sum / count;
        return new double[] {mean, Math.sqrt((squares / count - mean * mean) / count)};
    }

    private static double bf16(double value) {
        int bits = Float.floatToRawIntBits((float) value);
        return Float.intBitsToFloat((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
