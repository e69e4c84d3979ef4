package dev.halftone.kernel.decode;

/** Functions by {@link FloatExponential}, in the order of operations that every provider keeps. */
final class FloatFunctions {
    /** 2 sqrt(2/pi), and that times 0.044715. */
    static final float TANH_LINEAR = (float) (2 * Math.sqrt(2 / Math.PI));

    static final float TANH_CUBIC = (float) (2 * Math.sqrt(2 / Math.PI) * 0.044715);
    static final float ROOT_OF_HALF = (float) Math.sqrt(0.5);

    /**
     * erf(z) = 1 - (b1 t + ... + b5 t^5) exp(-z^2), t = 1 / (1 + p z), z at least 0; absolute error 1.5e-7. Source: Abramowitz and
     * Stegun, 7.1.26. Here b5 to b1.
     */
    static final float[] ERF = {
        (float) 1.061405429, (float) -1.453152027, (float) 1.421413741, (float) -0.284496736, (float) 0.254829592
    };

    static final float ERF_P = 0.3275911f;

    private FloatFunctions() {}

    static float sigmoid(float x) {
        return 1 / (1 + FloatExponential.of(-x));
    }

    /** tanh y = 1 - 2 / (exp(2 y) + 1), so that x/2 (1 + tanh y) = x sigmoid(2 y). */
    static float geluTanh(float x) {
        return x * sigmoid(x * Math.fma(x * x, TANH_CUBIC, TANH_LINEAR));
    }

    static float gelu(float x) {
        float z = Math.abs(x) * ROOT_OF_HALF;
        float t = 1 / Math.fma(ERF_P, z, 1);
        float p = ERF[0];
        for (int k = 1; k < ERF.length; k++) {
            p = Math.fma(p, t, ERF[k]);
        }
        // Half of 1 - erf(z), which is what a negative x keeps of itself.
        float tail = p * t * FloatExponential.of(-(z * z)) * 0.5f;
        return x * (x < 0 ? tail : 1 - tail);
    }

    static float cap(float x, float c) {
        return c * (1 - 2 / (FloatExponential.of(2 * (x / c)) + 1));
    }

    static float apply(Nonlinearity function, float x) {
        return switch (function) {
            case SILU -> x * sigmoid(x);
            case GELU -> gelu(x);
            case GELU_TANH -> geluTanh(x);
            case RELU -> Math.max(x, 0);
        };
    }
}
