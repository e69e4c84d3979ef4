package dev.halftone.format;

import java.util.Locale;

/**
 * Signed integers q with |q| at most 2^(bits-1) - 1, in two's complement. The least code, -2^(bits-1), is never made: a grid
 * that is not symmetric leaves a bias.
 *
 * <p>INT8 is that of OCP MX v1.0, with an implied factor 2^-6; the others are arXiv:2510.25602's.
 */
public enum IntElements implements Elements {
    INT8(8, 0x1p-6f),
    INT6(6, 1),
    INT4(4, 1);

    private final int bits;
    private final float step;
    private final int most;

    IntElements(int bits, float step) {
        this.bits = bits;
        this.step = step;
        this.most = (1 << (bits - 1)) - 1;
    }

    @Override
    public String title() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public int bits() {
        return bits;
    }

    @Override
    public float largest() {
        return most * step;
    }

    @Override
    public int code(float x) {
        if (Float.isNaN(x)) {
            throw new IllegalArgumentException(title() + " has no code for NaN");
        }
        int q = (int) Math.clamp((float) Math.rint(x / step), (float) -most, (float) most);
        return q & ((1 << bits) - 1);
    }

    @Override
    public float value(int code) {
        int unused = Integer.SIZE - bits;
        return (code << unused >> unused) * step;
    }
}
