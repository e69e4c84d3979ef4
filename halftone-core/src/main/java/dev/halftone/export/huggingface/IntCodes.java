package dev.halftone.export.huggingface;

import dev.halftone.format.GridCodes;
import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleType;

/** Integer weights as all engines have them: value = (code - zero) * scale with a positive scale for groups of single rows. */
final class IntCodes {
    private IntCodes() {}

    /**
     * The same values in that form. Scales of several rows are repeated; a negative scale s gives (code - zero) s =
     * ((M - code) - (M - zero)) (-s), M = 2^bits - 1.
     *
     * @throws dev.halftone.error.InputException HT-692 for values that have no such form
     */
    static PackedWeight of(String module, PackedWeight weight) {
        if (!(weight.format() instanceof IntGroup format)) {
            throw Layout.refused(module, "has " + weight.format().label() + " weights, which are no integers");
        }
        if (format.mode() == GridMode.AFFINE || format.mode() == GridMode.BINARY) {
            throw Layout.refused(
                    module, "has mode " + format.mode().title() + ", whose groups have no zero point that is a code");
        }
        if (format.scale() == ScaleType.E4M3 || format.scale() == ScaleType.E8M0) {
            throw Layout.refused(module, "has " + format.scale().title() + " scales, for which integers have no place");
        }
        boolean negative = negative(weight);
        return format.rows() == 1 && !negative ? weight : rebuilt(weight, format, negative);
    }

    private static boolean negative(PackedWeight weight) {
        int groups = weight.format().groups(weight.in());
        for (int row = 0; row < weight.out(); row++) {
            for (int g = 0; g < groups; g++) {
                if (weight.storedScale(row, g) < 0) {
                    return true;
                }
            }
        }
        return false;
    }

    private static PackedWeight rebuilt(PackedWeight weight, IntGroup format, boolean negative) {
        int out = weight.out();
        int in = weight.in();
        int groups = format.groups(in);
        int most = format.largest();
        byte[] codes = new byte[Math.multiplyExact(out, in)];
        float[] scales = new float[out * groups];
        byte[] zeros = new byte[out * groups];
        int[] groupOf = new int[in];
        for (int j = 0; j < in; j++) {
            groupOf[j] = weight.groupOf(j);
        }
        for (int i = 0; i < out; i++) {
            for (int g = 0; g < groups; g++) {
                float scale = weight.storedScale(i, g);
                int zero = weight.storedZero(i, g);
                scales[i * groups + g] = Math.abs(scale);
                zeros[i * groups + g] = (byte) (scale < 0 ? most - zero : zero);
            }
            for (int j = 0; j < in; j++) {
                int code = weight.code(i, j);
                codes[i * in + j] = (byte) (weight.storedScale(i, groupOf[j]) < 0 ? most - code : code);
            }
        }
        GridMode mode = negative || !format.symmetric() ? GridMode.ASYM : GridMode.SYM_WIDE;
        int group = groups == 1 ? NumberFormat.ROW : format.groupIn(in);
        IntGroup plain = new IntGroup(format.bits(), group, mode, format.scale(), 1, format.reordered());
        return PackedWeight.of(plain, out, in, new GridCodes(codes, scales, zeros, new float[0], 1, groupOf));
    }
}
