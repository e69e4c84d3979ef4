package dev.halftone.model;

import java.util.Arrays;

/**
 * Rotary position embedding: dimensions i and i + dim/2 ("half"), or 2i and 2i + 1 ("interleaved"), turn together by position *
 * inverse frequency i.
 *
 * <p>dim: rotated leading dimensions of a head. theta: base. The scalings are those of the Hugging Face configs
 * ({@code rope_scaling}); frequencies are computed in float64 and angles rounded to float32 at the end.
 */
public record Rope(int dim, double theta, Scaling scaling, boolean interleaved) implements DecoderSpec.Positions {
    /** In the half layout. */
    public Rope(int dim, double theta, Scaling scaling) {
        this(dim, theta, scaling, false);
    }

    /** How the plain inverse frequencies theta^(-2i/dim) are changed for longer contexts. */
    public sealed interface Scaling permits None, Linear, Dynamic, Llama3, Yarn, LongRope, Factors {}

    public record None() implements Scaling {}

    /** Every frequency divided by {@code factor}. */
    public record Linear(double factor) implements Scaling {}

    /** The base grows with the length of the sequence beyond {@code trainedLength} tokens. */
    public record Dynamic(double factor, int trainedLength) implements Scaling {}

    /** Long wavelengths divided by {@code factor}, short ones kept, a ramp between. */
    public record Llama3(double factor, double low, double high, int trainedLength) implements Scaling {}

    /** YaRN (arXiv:2309.00071): a ramp over dimensions, and cos and sin times {@code attention}. */
    public record Yarn(double factor, double attention, double betaFast, double betaSlow, int trainedLength)
            implements Scaling {}

    /**
     * LongRoPE (arXiv:2402.13753): frequencies divided by {@code near} in sequences up to {@code trainedLength} tokens, by {@code
     * far} in longer ones, and cos and sin times {@code attention}.
     */
    public record LongRope(Factors near, Factors far, double attention, int trainedLength) implements Scaling {}

    /** Each frequency i divided by {@code divisors}[i]: what a GGUF file stores. */
    public record Factors(double[] divisors) implements Scaling {
        @Override
        public boolean equals(Object other) {
            return other instanceof Factors(double[] values) && Arrays.equals(divisors, values);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(divisors);
        }

        @Override
        public String toString() {
            return "Factors" + Arrays.toString(divisors);
        }
    }

    /** What each plain frequency is divided by; the same for every length unless the scaling is {@link Dynamic} or {@link LongRope}. */
    public float[] divisors() {
        double[] plain = plain(theta);
        double[] scaled = inverseFrequencies(0);
        float[] divisors = new float[plain.length];
        for (int i = 0; i < divisors.length; i++) {
            divisors[i] = (float) (plain[i] / scaled[i]);
        }
        return divisors;
    }

    /** Inverse frequencies, dim/2 of them, for a sequence of {@code length} tokens. */
    public double[] inverseFrequencies(int length) {
        return switch (scaling) {
            case None _ -> plain(theta);
            case Linear(double factor) -> scale(i -> 1 / factor);
            case Dynamic(double factor, int trained) -> {
                double s = Math.max(length, trained);
                double grown = Math.pow(factor * s / trained - (factor - 1), dim / (dim - 2.0));
                yield plain(theta * grown);
            }
            case Llama3 llama3 -> llama3(llama3);
            case Yarn yarn -> yarn(yarn);
            case LongRope(Factors near, Factors far, double _, int trained) -> {
                double[] divisors = (length > trained ? far : near).divisors();
                yield scale(i -> 1 / divisors[i]);
            }
            case Factors(double[] divisors) -> scale(i -> 1 / divisors[i]);
        };
    }

    /** What cos and sin are multiplied by. */
    public double attention() {
        return switch (scaling) {
            case Yarn yarn -> yarn.attention();
            case LongRope longer -> longer.attention();
            case None _, Linear _, Dynamic _, Llama3 _, Factors _ -> 1;
        };
    }

    private double[] llama3(Llama3 s) {
        double[] plain = plain(theta);
        return scale(i -> {
            double wavelength = 2 * Math.PI / plain[i];
            if (wavelength < s.trainedLength() / s.high()) {
                return 1;
            }
            if (wavelength > s.trainedLength() / s.low()) {
                return 1 / s.factor();
            }
            double t = (s.trainedLength() / wavelength - s.low()) / (s.high() - s.low());
            return (1 - t) / s.factor() + t;
        });
    }

    private double[] yarn(Yarn s) {
        double low = Math.max(Math.floor(turns(s.betaFast(), s.trainedLength())), 0);
        double high = Math.min(Math.ceil(turns(s.betaSlow(), s.trainedLength())), dim - 1.0);
        double width = high == low ? 0.001 : high - low;
        return scale(i -> {
            double ramp = Math.clamp((i - low) / width, 0.0, 1.0);
            return ramp / s.factor() + 1 - ramp;
        });
    }

    /** The dimension whose wavelength fits {@code rotations} times into the trained length. */
    private double turns(double rotations, int trainedLength) {
        return dim * Math.log(trainedLength / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
    }

    private double[] plain(double base) {
        double[] result = new double[dim / 2];
        for (int i = 0; i < result.length; i++) {
            result[i] = Math.pow(base, -2.0 * i / dim);
        }
        return result;
    }

    private double[] scale(java.util.function.IntToDoubleFunction factor) {
        double[] result = plain(theta);
        for (int i = 0; i < result.length; i++) {
            result[i] *= factor.applyAsDouble(i);
        }
        return result;
    }
}
