package dev.halftone.rotation;

import java.util.Optional;

/**
 * Hadamard matrices H of +1 and -1, H H^T = K I, for orders K = 4 m that are no powers of two; they are not symmetric.
 *
 * <p>Constructions of Paley (I for K - 1 a prime power that is 3 mod 4, II for K / 2 - 1 one that is 1 mod 4) and of Williamson
 * (four symmetric circulants). Source: the constructions as stated in the literature on Hadamard matrices; the rows of order
 * 156 and 172 are those of N. Sloane's library, D of order 172 found again from the other three.
 */
final class HadamardMatrix {
    /** First rows of A, B, C, D. */
    private static final String[] ORDER_156 = {
        "+++--+-+-----+--++----++--+-----+-+--++", "++++---+--++----+-+--+-+----++--+---+++",
        "+++--++-+---+-+--+----+--+-+---+-++--++", "+---++-+-+-----+++-++-+++-----+-+-++---"
    };

    private static final String[] ORDER_172 = {
        "+---++--++++-+-+++-++--++-+++-+-++++--++---", "++-++++++----+-+--++-++-++--+-+----++++++-+",
        "+++-+-++--+-+-++++-+----+-++++-+-+--++-+-++", "++---++++-+--+--++--------++--+--+-++++---+"
    };

    private HadamardMatrix() {}

    /** A matrix of that order, (K, K), if one of the constructions has it. */
    static Optional<byte[][]> of(int order) {
        if (order % 4 != 0) {
            return Optional.empty();
        }
        Optional<FiniteField> first = FiniteField.of(order - 1);
        if (first.isPresent()) {
            return Optional.of(paleyOne(first.get()));
        }
        Optional<FiniteField> second = (order / 2 - 1) % 4 == 1 ? FiniteField.of(order / 2 - 1) : Optional.empty();
        if (second.isPresent()) {
            return Optional.of(paleyTwo(second.get()));
        }
        return switch (order) {
            case 156 -> Optional.of(williamson(ORDER_156));
            case 172 -> Optional.of(williamson(ORDER_172));
            default -> Optional.empty();
        };
    }

    /** I + [[0, 1], [-1, J]], J_ij = chi(i - j). */
    private static byte[][] paleyOne(FiniteField field) {
        byte[][] h = conference(field, -1);
        for (int i = 0; i < h.length; i++) {
            h[i][i]++;
        }
        return h;
    }

    /** C (x) [[1, 1], [1, -1]] + I (x) [[1, -1], [-1, -1]], C = [[0, 1], [1, J]]. */
    private static byte[][] paleyTwo(FiniteField field) {
        byte[][] c = conference(field, 1);
        byte[][] h = new byte[2 * c.length][2 * c.length];
        for (int i = 0; i < c.length; i++) {
            for (int j = 0; j < c.length; j++) {
                byte off = c[i][j];
                byte on = (byte) (i == j ? 1 : 0);
                h[2 * i][2 * j] = (byte) (off + on);
                h[2 * i][2 * j + 1] = (byte) (off - on);
                h[2 * i + 1][2 * j] = (byte) (off - on);
                h[2 * i + 1][2 * j + 1] = (byte) (-off - on);
            }
        }
        return h;
    }

    /** [[0, 1], [sign, J]] over the field. */
    private static byte[][] conference(FiniteField field, int sign) {
        int q = field.size();
        byte[][] c = new byte[q + 1][q + 1];
        for (int i = 0; i < q; i++) {
            c[0][i + 1] = 1;
            c[i + 1][0] = (byte) sign;
            for (int j = 0; j < q; j++) {
                c[i + 1][j + 1] = (byte) field.character(field.minus(i, j));
            }
        }
        return c;
    }

    /** [[A, B, C, D], [-B, A, -D, C], [-C, D, A, -B], [-D, -C, B, A]]. */
    private static byte[][] williamson(String[] rows) {
        int[][] which = {{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 3, 0, 1}, {3, 2, 1, 0}};
        int[][] sign = {{1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, 1, 1, -1}, {-1, -1, 1, 1}};
        int m = rows[0].length();
        byte[][] h = new byte[4 * m][4 * m];
        for (int i = 0; i < 4 * m; i++) {
            for (int j = 0; j < 4 * m; j++) {
                String row = rows[which[i / m][j / m]];
                int entry = row.charAt(Math.floorMod(j % m - i % m, m)) == '+' ? 1 : -1;
                h[i][j] = (byte) (sign[i / m][j / m] * entry);
            }
        }
        return h;
    }
}
