package dev.halftone.format.gguf;

import dev.halftone.checkpoint.GgufType;
import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.List;

/**
 * What the codes of a block type stand for: value = scale * level[code] + offset, with scale and offset per run of inputs. Source:
 * ggml-common.h; {@code formats/gguf.md}.
 *
 * <p>A run's scale is the block's d, times a stored integer where a block has several runs ({@link #hasMultipliers}). Its offset
 * is the block's m (Q4_1, Q5_1), or minus dmin times a stored integer (Q2_K, Q4_K, Q5_K), or 0.
 */
public enum BlockLayout {
    Q4_0(GgufType.Q4_0, 32, Levels.around(8, 15), Offset.NONE, 0, 0),
    Q4_1(GgufType.Q4_1, 32, Levels.around(0, 15), Offset.MINIMUM, 0, 0),
    Q5_0(GgufType.Q5_0, 32, Levels.around(16, 31), Offset.NONE, 0, 0),
    Q5_1(GgufType.Q5_1, 32, Levels.around(0, 31), Offset.MINIMUM, 0, 0),
    Q8_0(GgufType.Q8_0, 32, Levels.around(128, 255), Offset.NONE, 0, 0),
    IQ4_NL(GgufType.IQ4_NL, 32, Levels.IQ4, Offset.NONE, 0, 0),
    MXFP4(GgufType.MXFP4, 32, Levels.E2M1_DOUBLED, Offset.NONE, 0, 0),
    Q2_K(GgufType.Q2_K, 16, Levels.around(0, 3), Offset.MULTIPLE, 0, 15),
    Q3_K(GgufType.Q3_K, 16, Levels.around(4, 7), Offset.NONE, -32, 31),
    Q4_K(GgufType.Q4_K, 32, Levels.around(0, 15), Offset.MULTIPLE, 0, 63),
    Q5_K(GgufType.Q5_K, 32, Levels.around(0, 31), Offset.MULTIPLE, 0, 63),
    Q6_K(GgufType.Q6_K, 16, Levels.around(32, 63), Offset.NONE, -128, 127),
    TQ1_0(GgufType.TQ1_0, 256, Levels.around(1, 2), Offset.NONE, 0, 0),
    TQ2_0(GgufType.TQ2_0, 256, Levels.around(1, 2), Offset.NONE, 0, 0);

    /** What is added to the multiples of a run's scale. */
    public enum Offset {
        NONE,
        /** The block's own half-precision number. */
        MINIMUM,
        /** Minus a stored integer times the block's second half-precision number. */
        MULTIPLE
    }

    private final GgufType type;
    private final int run;

    @SuppressWarnings("ImmutableEnumChecker") // never changed
    private final float[] levels;

    private final Offset offset;
    private final int leastMultiplier;
    private final int largestMultiplier;

    BlockLayout(GgufType type, int run, float[] levels, Offset offset, int leastMultiplier, int largestMultiplier) {
        this.type = type;
        this.run = run;
        this.levels = levels;
        this.offset = offset;
        this.leastMultiplier = leastMultiplier;
        this.largestMultiplier = largestMultiplier;
    }

    /** Tables of levels by code. */
    private static final class Levels {
        private static final float[] IQ4 = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

        /** Twice the values of E2M1: the scale carries the other half, as ggml's tables have it. */
        private static final float[] E2M1_DOUBLED = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

        private static float[] around(int zero, int largest) {
            float[] levels = new float[largest + 1];
            for (int code = 0; code <= largest; code++) {
                levels[code] = code - zero;
            }
            return levels;
        }
    }

    /**
     * The layout of a type.
     *
     * @throws InputException HT-680 for a type that this build reads at most
     */
    public static BlockLayout of(GgufType type) {
        return Arrays.stream(values())
                .filter(layout -> layout.type == type)
                .findFirst()
                .orElseThrow(() -> new InputException(
                        "HT-680",
                        type.name(),
                        "is no block type that can be written",
                        "known are " + String.join(", ", names())));
    }

    /** True if there is a layout of that type. */
    public static boolean has(GgufType type) {
        return Arrays.stream(values()).anyMatch(layout -> layout.type == type);
    }

    private static List<String> names() {
        return Arrays.stream(values()).map(Enum::name).toList();
    }

    public GgufType type() {
        return type;
    }

    /** Inputs in a block. */
    public int block() {
        return type.blockElements();
    }

    /** Inputs that share a scale. */
    public int run() {
        return run;
    }

    /** Runs in a block. */
    public int runs() {
        return block() / run;
    }

    /** Largest code. */
    public int largest() {
        return levels.length - 1;
    }

    /** What a code stands for, before scale and offset. */
    public float level(int code) {
        return levels[code];
    }

    /** True if levels are whole numbers in the order of the codes, one apart. */
    public boolean uniform() {
        return this != IQ4_NL && this != MXFP4;
    }

    public Offset offset() {
        return offset;
    }

    /** True if the scale of a run is a stored integer times the block's d. */
    public boolean hasMultipliers() {
        return largestMultiplier > 0;
    }

    /** Smallest stored factor of a run's scale. */
    public int leastMultiplier() {
        return leastMultiplier;
    }

    /** Largest stored factor of a run's scale, and of its offset. */
    public int largestMultiplier() {
        return largestMultiplier;
    }

    /**
     * Where in a block's bytes the half-precision numbers stand that all its values are multiples of; of a type with an offset it takes
     * both. None in MXFP4, whose scale is a power of two.
     */
    public List<Integer> halves() {
        return switch (this) {
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> List.of(0);
            case Q4_1, Q5_1, Q4_K, Q5_K -> List.of(0, 2);
            case Q2_K -> List.of(80, 82);
            case Q3_K -> List.of(108);
            case Q6_K -> List.of(208);
            case TQ1_0 -> List.of(52);
            case TQ2_0 -> List.of(64);
            case MXFP4 -> List.of();
        };
    }

    /** The code whose level is nearest; halves go to the even code of a uniform grid, to the first one of a table. */
    public int nearest(float level) {
        if (uniform()) {
            return Math.clamp((int) Math.rint(level - levels[0]), 0, largest());
        }
        int best = 0;
        for (int code = 1; code < levels.length; code++) {
            if (Math.abs(levels[code] - level) < Math.abs(levels[best] - level)) {
                best = code;
            }
        }
        return best;
    }

    /** Bytes of a row of that many inputs. */
    public int rowBytes(int in) {
        return Math.multiplyExact(in / block(), type.blockBytes());
    }
}
