package dev.halftone.export.gguf;

import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.ScaleType;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockRow;
import org.jspecify.annotations.Nullable;

/** Integer formats whose groups are blocks of a GGUF type: codes, scales and minima move over as they are. */
final class ExactBlocks {
    private static final int BLOCK = 32;

    private ExactBlocks() {}

    /** The type that holds weights of a format without any change; null if there is none. */
    static @Nullable BlockLayout layout(Object format) {
        if (!(format instanceof IntGroup group)
                || group.group() != BLOCK
                || group.rows() != 1
                || group.reordered()
                || group.scale() != ScaleType.F16) {
            return null;
        }
        boolean affine = group.mode() == GridMode.AFFINE;
        boolean middle = switch (group.mode()) {
            case SYM, SYM_FULL, SYM_WIDE, SIGNED_MAX -> true;
            case ASYM, AFFINE, TERNARY, BINARY -> false;
        };
        return switch (group.bits()) {
            case 4 -> affine ? BlockLayout.Q4_1 : middle ? BlockLayout.Q4_0 : null;
            case 5 -> affine ? BlockLayout.Q5_1 : middle ? BlockLayout.Q5_0 : null;
            case 8 -> middle ? BlockLayout.Q8_0 : null;
            default -> null;
        };
    }

    /** A row of such a weight. */
    static BlockRow row(PackedWeight weight, int row, BlockLayout layout) {
        BlockRow blocks = new BlockRow(layout, weight.in());
        for (int b = 0; b < weight.in() / BLOCK; b++) {
            blocks.setUnit(b, weight.storedScale(row, b));
            if (layout.offset() == BlockLayout.Offset.MINIMUM) {
                blocks.setMinimum(b, weight.storedMinimum(row, b));
            }
        }
        for (int j = 0; j < weight.in(); j++) {
            blocks.setCode(j, weight.code(row, j));
        }
        return blocks;
    }
}
