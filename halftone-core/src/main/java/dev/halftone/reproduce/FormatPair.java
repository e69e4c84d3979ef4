package dev.halftone.reproduce;

import dev.halftone.format.LevelGroup;
import dev.halftone.format.ScaleRule;
import dev.halftone.format.ScaleType;
import java.util.Locale;

/**
 * An integer and a floating-point format of the same size, and the theory of what they lose: QSNR in dB of x ~ N(0, 1) by the
 * crest factor kappa = max|x| / rms of a block.
 *
 * <p>Source: arXiv:2510.25602, section 3 and its script theoretical_comparisons.py, whose rho = 1.05 for NV formats gives the
 * printed crossing.
 */
enum FormatPair {
    MX8("mxint8", "mxfp8_e4m3", 8, 3, 7, 448, 1.5, 7.55),
    MX6("mxint6", "mxfp6_e2m3", 6, 3, 1, 7.5, 1.5, 1.96),
    MX4("mxint4", "mxfp4", 4, 1, 1, 6, 1.5, 2.04),
    NV4("nvint4", "nvfp4", 4, 1, 1, 6, 1.05, 2.39);

    private static final double HIGHEST = 15;

    private final String integerName;
    private final String floatingName;
    private final int bits;
    private final int mantissa;
    private final int bias;
    private final double largest;
    private final double rho;
    private final double printed;

    FormatPair(
            String integer,
            String floating,
            int bits,
            int mantissa,
            int bias,
            double largest,
            double rho,
            double printed) {
        this.integerName = integer;
        this.floatingName = floating;
        this.bits = bits;
        this.mantissa = mantissa;
        this.bias = bias;
        this.largest = largest;
        this.rho = rho;
        this.printed = printed;
    }

    /** The paper's MX formats never saturate. */
    private static LevelGroup format(String name) {
        LevelGroup format = LevelGroup.named(name).orElseThrow();
        return format.scale() == ScaleType.E8M0 ? format.withRule(ScaleRule.CEIL) : format;
    }

    LevelGroup integer() {
        return format(integerName);
    }

    LevelGroup floating() {
        return format(floatingName);
    }

    String integerName() {
        return integerName;
    }

    String floatingName() {
        return floatingName;
    }

    /** Values per scale. */
    int block() {
        return integer().group();
    }

    /** 4.78 + 6.02 b - 20 log10(rho kappa), and for NV formats, whose block maxima are nearly exact, 10 log10(g / (g - 1)) more. */
    double integerQsnr(double kappa) {
        double exact = this == NV4 ? 10 * Math.log10(block() / (block() - 1.0)) : 0;
        return 4.78 + 6.02 * bits - 20 * Math.log10(rho * kappa) + exact;
    }

    /** -10 log10(alpha w + beta (rho kappa)^2 p): relative errors of the normals, absolute ones of the subnormals. */
    double floatingQsnr(double kappa) {
        double alpha = 1 / (24 * Math.pow(4, mantissa));
        double beta = Math.pow(2, 2 * (1 - bias - mantissa)) / (12 * largest * largest);
        double t = rho * kappa * Math.pow(2, 1 - bias) / largest;
        double normals = 2 * (t * density(t) + 1 - distribution(t));
        double subnormal = 2 * distribution(t) - 1;
        if (this == NV4) {
            normals = Math.max(0, normals - kappa * kappa / block());
        }
        return -10 * Math.log10(alpha * normals + beta * rho * kappa * rho * kappa * subnormal);
    }

    /** The crossing that the paper prints. */
    double printed() {
        return printed;
    }

    /** The name in tables and documents. */
    String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The kappa below which the integers lose less. */
    double crossing() {
        double low = 1.05;
        double high = this == NV4 ? Math.sqrt(block()) : HIGHEST;
        for (int i = 0; i < 100; i++) {
            double middle = (low + high) / 2;
            if (integerQsnr(middle) > floatingQsnr(middle)) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static double density(double t) {
        return Math.exp(-t * t / 2) / Math.sqrt(2 * Math.PI);
    }

    /** Of the standard normal distribution: its Taylor series around 0, which converges for all t here. */
    private static double distribution(double t) {
        if (t > 8) {
            return 1;
        }
        double term = t;
        double sum = t;
        for (int k = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && k < 400; k++) {
            term *= t * t / (2 * k + 1);
            sum += term;
        }
        return 0.5 + density(t) * sum;
    }
}
