package dev.halftone.kernel.packed;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * How the codes of 32 columns of a row, a <em>block</em>, lie in 16-bit words. Codes are unsigned. Pair i of a block is its columns 2i
 * and 2i + 1: the 16 even columns have {@link #words} words and the odd ones as many, and two words side by side, that of the even
 * columns first, make an int. The ints of the 32 rows of a tile stand side by side, so the codes of a matrix are
 * (tiles, blocks, words, 32) ints.
 *
 * <p>A kernel does not cut codes out of a word. With v = c0 + 2^s c1 + 2^t c2 + ..., in arithmetic modulo 2^16,
 *
 * <pre>v x0 + (v >>> s) (x1 - 2^s x0) + (v >>> t) (x2 - 2^(t - s) x1) + ... = c0 x0 + c1 x1 + c2 x2 + ...</pre>
 *
 * <p>so one shift, one product and one sum serve 32 codes in 512 bits, and intermediate results may overflow: only the sum on the right
 * has to fit 16 bits. {@link #terms} are the factors in the brackets. A sum runs over the pairs of a <em>span</em> and starts at
 * -{@link #center} times the sum of its x, which makes the codes signed where unsigned ones would not fit.
 */
enum CodeWidth {
    /** 16 x 3 x 127 = 6096. */
    TWO(2, 16, 0),
    /** 16 x 7 x 127 = 14224. Five codes to a word, and a bit of the last one. */
    THREE(3, 16, 0),
    /** 16 x 15 x 127 = 30480. */
    FOUR(4, 16, 0),
    /** 16 x 16 x 127 = 32512. Three codes to a word, and a bit of the last one. */
    FIVE(5, 16, 16),
    /** 8 x 32 x 127 = 32512. Eight codes to three words: two in each, and the last two in the bits that are left. */
    SIX(6, 8, 32),
    /** 2 x 128 x 127 = 32512. */
    EIGHT(8, 2, 128);

    /** Columns. */
    static final int BLOCK = 32;

    /** Rows. */
    static final int TILE = 32;

    static final int PAIRS = BLOCK / 2;

    /** Where bits of a code are: {@code bits} of them, from bit {@code part} on, at bit {@code shift} of a word. */
    record Field(int word, int shift, int pair, int part, int bits) {}

    private final int bits;
    private final int span;
    private final int center;

    /** Never changed. */
    @SuppressWarnings("ImmutableEnumChecker")
    private final Field[] fields;

    private final int terms;

    CodeWidth(int bits, int span, int center) {
        this.bits = bits;
        this.span = span;
        this.center = center;
        this.fields = fields(bits).toArray(Field[]::new);
        this.terms = fields.length + (center == 0 ? 0 : PAIRS / span);
    }

    private static List<Field> fields(int bits) {
        List<Field> fields = new ArrayList<>();
        int whole = Short.SIZE / bits;
        for (int word = 0; word < bits; word++) {
            switch (bits) {
                case 3, 5 -> {
                    for (int k = 0; k < whole; k++) {
                        fields.add(new Field(word, bits * k, whole * word + k, 0, bits));
                    }
                    fields.add(new Field(word, bits * whole, PAIRS - 1, word, 1));
                }
                case 6 -> {
                    int pair = word / 3 * 8;
                    int third = word % 3;
                    fields.add(new Field(word, 0, pair + 2 * third, 0, 6));
                    fields.add(new Field(word, 6, pair + 2 * third + 1, 0, 6));
                    if (third < 2) {
                        fields.add(new Field(word, 12, pair + 6 + third, 0, 4));
                    } else {
                        fields.add(new Field(word, 12, pair + 6, 4, 2));
                        fields.add(new Field(word, 14, pair + 7, 4, 2));
                    }
                }
                default -> {
                    for (int k = 0; k < whole; k++) {
                        fields.add(new Field(word, bits * k, whole * word + k, 0, bits));
                    }
                }
            }
        }
        return fields;
    }

    /** The narrowest for codes of that many bits. */
    static CodeWidth of(int bits) {
        for (CodeWidth width : values()) {
            if (width.bits >= bits) {
                return width;
            }
        }
        throw new IllegalArgumentException("codes of %d bits".formatted(bits));
    }

    /** Whether halves of a block may have scales of their own. */
    boolean halves() {
        return this == TWO || this == FOUR || this == SIX;
    }

    int bits() {
        return bits;
    }

    /** Words of a block for its even columns. */
    int words() {
        return bits;
    }

    /** Bytes of a block of a tile. */
    int blockBytes() {
        return words() * TILE * Integer.BYTES;
    }

    /** What makes a code signed. */
    int center() {
        return center;
    }

    /** In the order of words and shifts. */
    Field field(int index) {
        return fields[index];
    }

    int fieldCount() {
        return fields.length;
    }

    /** Ints of {@link #terms} for a block. */
    int termCount() {
        return terms;
    }

    /**
     * What a block of x is multiplied as: for each span the start of its sum, unless that is 0, and a factor for each field.
     *
     * @param x 16 pairs of values in [-127, 127]
     * @param terms pairs of 16 bits, that of the even columns in the lower half
     */
    void terms(int[] x, int from, int[] terms, int at) {
        int next = at;
        int spans = PAIRS / span;
        int length = fields.length / spans;
        for (int s = 0; s < spans; s++) {
            if (center != 0) {
                terms[next++] = start(x, from + span * s);
            }
            int even = 0;
            int odd = 0;
            int shift = 0;
            for (int f = s * length; f < (s + 1) * length; f++) {
                Field field = fields[f];
                int before = field.shift() == 0 ? 0 : 1 << (field.shift() - shift);
                int ownEven = (short) x[from + field.pair()] << field.part();
                int ownOdd = x[from + field.pair()] >> Short.SIZE << field.part();
                terms[next++] = pair(ownEven - before * even, ownOdd - before * odd);
                even = ownEven;
                odd = ownOdd;
                shift = field.shift();
            }
        }
    }

    private int start(int[] x, int from) {
        int even = 0;
        int odd = 0;
        for (int i = from; i < from + span; i++) {
            even += (short) x[i];
            odd += x[i] >> Short.SIZE;
        }
        return pair(-center * even, -center * odd);
    }

    /** Two numbers of 16 bits, that of the even column in the lower half. */
    static int pair(int even, int odd) {
        return (even & 0xFFFF) | odd << Short.SIZE;
    }

    /** The ints of one row of a block from its 32 codes. */
    void pack(int[] codes, int[] words) {
        if (Short.SIZE % bits == 0) {
            packWhole(codes, words);
            return;
        }
        Arrays.fill(words, 0, words(), 0);
        for (Field field : fields) {
            int mask = (1 << field.bits()) - 1;
            int even = codes[2 * field.pair()] >>> field.part() & mask;
            int odd = codes[2 * field.pair() + 1] >>> field.part() & mask;
            words[field.word()] |= even << field.shift() | odd << (field.shift() + Short.SIZE);
        }
    }

    /** Where no code is spread over words: the same without a look at the fields, for loading is bound by it. */
    private void packWhole(int[] codes, int[] words) {
        int from = 0;
        for (int word = 0; word < words(); word++) {
            int packed = 0;
            for (int shift = 0; shift < Short.SIZE; shift += bits) {
                packed |= codes[from] << shift | codes[from + 1] << (shift + Short.SIZE);
                from += 2;
            }
            words[word] = packed;
        }
    }

    /** The inverse of {@link #pack}. */
    void unpack(int[] words, int[] codes) {
        Arrays.fill(codes, 0, BLOCK, 0);
        for (Field field : fields) {
            int mask = (1 << field.bits()) - 1;
            int word = words[field.word()] >>> field.shift();
            codes[2 * field.pair()] |= (word & mask) << field.part();
            codes[2 * field.pair() + 1] |= (word >>> Short.SIZE & mask) << field.part();
        }
    }
}
