package dev.halftone.rotation;

import java.util.Optional;

/**
 * The field of q = p^e elements, p an odd prime and e at most 3: polynomials over the integers modulo p, modulo a monic one of
 * degree e without roots, which is irreducible. An element is the number whose digits to base p are its coefficients.
 */
final class FiniteField {
    private static final int MOST_DIGITS = 3;

    private final int p;
    private final int digits;
    private final int size;

    /** x^e = sum reduction[k] x^k. */
    private final int[] reduction;

    private final boolean[] squares;

    private FiniteField(int p, int digits) {
        this.p = p;
        this.digits = digits;
        this.size = power(p, digits);
        this.reduction = reduction(p, digits);
        this.squares = new boolean[size];
        for (int x = 1; x < size; x++) {
            squares[times(x, x)] = true;
        }
    }

    /** The field, if q is such a power. */
    static Optional<FiniteField> of(int q) {
        if (q < 3 || q % 2 == 0) {
            return Optional.empty();
        }
        int p = 3;
        while (q % p != 0) {
            p += 2;
        }
        int digits = 0;
        int rest = q;
        while (rest % p == 0) {
            rest /= p;
            digits++;
        }
        return rest == 1 && digits <= MOST_DIGITS ? Optional.of(new FiniteField(p, digits)) : Optional.empty();
    }

    private static int power(int p, int e) {
        int result = 1;
        for (int i = 0; i < e; i++) {
            result *= p;
        }
        return result;
    }

    /** The lower coefficients, negated, of the first monic polynomial without roots. */
    private static int[] reduction(int p, int digits) {
        int[] c = new int[digits];
        if (digits == 1) {
            return c;
        }
        for (int lower = 1; lower < power(p, digits); lower++) {
            int rest = lower;
            for (int k = 0; k < digits; k++) {
                c[k] = rest % p;
                rest /= p;
            }
            if (!hasRoot(c, p)) {
                for (int k = 0; k < digits; k++) {
                    c[k] = (p - c[k]) % p;
                }
                return c;
            }
        }
        throw new IllegalStateException("every degree has an irreducible polynomial");
    }

    private static boolean hasRoot(int[] c, int p) {
        for (int x = 0; x < p; x++) {
            int value = 1;
            for (int k = c.length - 1; k >= 0; k--) {
                value = (value * x + c[k]) % p;
            }
            if (value == 0) {
                return true;
            }
        }
        return false;
    }

    int size() {
        return size;
    }

    int minus(int a, int b) {
        int result = 0;
        for (int scale = 1; scale < size; scale *= p) {
            result += Math.floorMod(a / scale % p - b / scale % p, p) * scale;
        }
        return result;
    }

    private int times(int a, int b) {
        int[] product = new int[2 * digits - 1];
        for (int i = 0, x = a; i < digits; i++, x /= p) {
            for (int j = 0, y = b; j < digits; j++, y /= p) {
                product[i + j] += x % p * (y % p);
            }
        }
        for (int k = product.length - 1; k >= digits; k--) {
            for (int i = 0; i < digits; i++) {
                product[k - digits + i] += product[k] % p * reduction[i];
            }
        }
        int result = 0;
        for (int k = digits - 1; k >= 0; k--) {
            result = result * p + product[k] % p;
        }
        return result;
    }

    /** The quadratic character: 0 for 0, 1 for squares, -1 for the others. */
    int character(int a) {
        return a == 0 ? 0 : squares[a] ? 1 : -1;
    }
}
