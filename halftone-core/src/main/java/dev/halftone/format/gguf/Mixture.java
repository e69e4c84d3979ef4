package dev.halftone.format.gguf;

import static dev.halftone.checkpoint.GgufType.BF16;
import static dev.halftone.checkpoint.GgufType.F16;
import static dev.halftone.checkpoint.GgufType.F32;
import static dev.halftone.checkpoint.GgufType.IQ4_NL;
import static dev.halftone.checkpoint.GgufType.MXFP4;
import static dev.halftone.checkpoint.GgufType.Q2_K;
import static dev.halftone.checkpoint.GgufType.Q3_K;
import static dev.halftone.checkpoint.GgufType.Q4_0;
import static dev.halftone.checkpoint.GgufType.Q4_1;
import static dev.halftone.checkpoint.GgufType.Q4_K;
import static dev.halftone.checkpoint.GgufType.Q5_0;
import static dev.halftone.checkpoint.GgufType.Q5_1;
import static dev.halftone.checkpoint.GgufType.Q5_K;
import static dev.halftone.checkpoint.GgufType.Q6_K;
import static dev.halftone.checkpoint.GgufType.Q8_0;
import static dev.halftone.checkpoint.GgufType.TQ1_0;
import static dev.halftone.checkpoint.GgufType.TQ2_0;

import dev.halftone.checkpoint.GgufType;
import dev.halftone.error.InputException;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * A file type of llama.cpp: which type each tensor of a dense decoder gets. Source: llama-quant.cpp of llama.cpp, 2026.
 *
 * <p>MXFP4 has no file type of its own there for dense models: every linear gets it, and the rest what Q8_0 gives.
 */
public enum Mixture {
    ALL_F32("F32", 0, F32),
    ALL_F16("F16", 1, F16),
    ALL_BF16("BF16", 32, BF16),
    MOSTLY_Q4_0("Q4_0", 2, Q4_0),
    MOSTLY_Q4_1("Q4_1", 3, Q4_1),
    MOSTLY_Q5_0("Q5_0", 8, Q5_0),
    MOSTLY_Q5_1("Q5_1", 9, Q5_1),
    MOSTLY_Q8_0("Q8_0", 7, Q8_0),
    MOSTLY_Q2_K("Q2_K", 10, Q2_K),
    MOSTLY_Q3_K_S("Q3_K_S", 11, Q3_K),
    MOSTLY_Q3_K_M("Q3_K_M", 12, Q3_K),
    MOSTLY_Q3_K_L("Q3_K_L", 13, Q3_K),
    MOSTLY_Q4_K_S("Q4_K_S", 14, Q4_K),
    MOSTLY_Q4_K_M("Q4_K_M", 15, Q4_K),
    MOSTLY_Q5_K_S("Q5_K_S", 16, Q5_K),
    MOSTLY_Q5_K_M("Q5_K_M", 17, Q5_K),
    MOSTLY_Q6_K("Q6_K", 18, Q6_K),
    MOSTLY_IQ4_NL("IQ4_NL", 25, IQ4_NL),
    MOSTLY_TQ1_0("TQ1_0", 36, TQ1_0),
    MOSTLY_TQ2_0("TQ2_0", 37, TQ2_0),
    MOSTLY_MXFP4("MXFP4", 38, MXFP4);

    /** In how many layers Q3_K_M and Q4_K_S give the values more bits. */
    private static final int FIRST_TWO = 2;

    private static final int FIRST_FOUR = 4;

    /** Query heads per key head from which the values are small enough for more bits. */
    private static final int FEW_VALUES = 4;

    private final String title;
    private final int fileType;
    private final GgufType main;

    Mixture(String title, int fileType, GgufType main) {
        this.title = title;
        this.fileType = fileType;
        this.main = main;
    }

    /** What a tensor is for, as far as mixtures tell them apart. */
    public enum Role {
        EMBEDDING,
        /** The embedding of a model that has no head of its own. */
        TIED_EMBEDDING,
        HEAD,
        QUERY,
        KEY,
        VALUE,
        /** Query, key and value in one. */
        FUSED,
        ATTENTION_OUTPUT,
        GATE,
        UP,
        DOWN
    }

    /**
     * Where a tensor stands.
     *
     * @param layer of {@code layers}; 0 outside the blocks
     * @param columns inputs
     * @param sharing query heads per key head
     * @param importance true if importance is at hand
     */
    public record Place(Role role, int layer, int layers, int columns, int sharing, boolean importance) {
        /** The first and the last eighth of the layers, and every third between. */
        private boolean more() {
            int eighth = layers / 8;
            return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
        }

        private boolean firstEighth() {
            return layer < layers / 8;
        }
    }

    /**
     * The mixture of that name, in any case.
     *
     * @param place for messages
     * @throws InputException HT-681
     */
    public static Mixture named(String name, String place) {
        return Arrays.stream(values())
                .filter(mixture -> mixture.title.equals(name.toUpperCase(Locale.ROOT)))
                .findFirst()
                .orElseThrow(() -> new InputException(
                        "HT-681",
                        place,
                        "\"" + name + "\" is no GGUF file type that can be written; known are " + names(),
                        ""));
    }

    /** All names, for messages. */
    public static String names() {
        return Arrays.stream(values()).map(Mixture::title).collect(Collectors.joining(", "));
    }

    public String title() {
        return title;
    }

    /** The number of {@code general.file_type}. */
    public int fileType() {
        return fileType;
    }

    /** True if weights become blocks; otherwise they stay floats. */
    public boolean quantizes() {
        return main.blockElements() > 1;
    }

    /** The type of a weight matrix, with the fallback for widths that no whole blocks of it fill. */
    public GgufType type(Place place) {
        if (!quantizes()) {
            return main;
        }
        GgufType wanted = switch (place.role()) {
            case HEAD, TIED_EMBEDDING -> head(place);
            case EMBEDDING -> embedding();
            case VALUE, FUSED -> value(place);
            case ATTENTION_OUTPUT -> attentionOutput();
            case DOWN -> down(place);
            case QUERY, KEY, GATE, UP -> main;
        };
        return fallback(wanted, place.columns());
    }

    private GgufType head(Place place) {
        return this == MOSTLY_MXFP4 || main == Q8_0 || place.columns() % main.blockElements() != 0 ? Q8_0 : Q6_K;
    }

    private GgufType embedding() {
        return switch (this) {
            case MOSTLY_TQ1_0, MOSTLY_TQ2_0 -> Q4_K;
            case MOSTLY_MXFP4 -> Q8_0;
            default -> main;
        };
    }

    private GgufType value(Place place) {
        boolean few = place.sharing() >= FEW_VALUES;
        GgufType type = switch (this) {
            case MOSTLY_Q2_K -> few ? Q4_K : Q3_K;
            case MOSTLY_Q3_K_M -> place.layer() < FIRST_TWO ? Q5_K : Q4_K;
            case MOSTLY_Q3_K_L -> Q5_K;
            case MOSTLY_IQ4_NL -> few ? Q5_K : main;
            case MOSTLY_Q4_K_M, MOSTLY_Q5_K_M -> place.more() ? Q6_K : main;
            case MOSTLY_Q4_K_S -> place.layer() < FIRST_FOUR ? Q5_K : main;
            default -> main;
        };
        return type;
    }

    private GgufType attentionOutput() {
        return switch (this) {
            case MOSTLY_Q2_K -> Q3_K;
            case MOSTLY_Q3_K_M -> Q4_K;
            case MOSTLY_Q3_K_L -> Q5_K;
            default -> main;
        };
    }

    private GgufType down(Place place) {
        return switch (this) {
            case MOSTLY_Q2_K -> Q3_K;
            case MOSTLY_Q3_K_M -> place.layer() < place.layers() / 16 ? Q5_K : Q4_K;
            case MOSTLY_Q3_K_L -> Q5_K;
            case MOSTLY_Q4_K_M, MOSTLY_Q5_K_M -> place.more() ? Q6_K : main;
            case MOSTLY_Q4_K_S -> place.firstEighth() ? Q5_K : main;
            case MOSTLY_IQ4_NL -> place.firstEighth() && !place.importance() ? Q5_K : main;
            // Their minimum helps the first layers, if importance keeps it from going astray.
            case MOSTLY_Q4_0 -> place.firstEighth() && place.importance() ? Q4_1 : main;
            case MOSTLY_Q5_0 -> place.firstEighth() && place.importance() ? Q5_1 : main;
            default -> main;
        };
    }

    private static GgufType fallback(GgufType type, int columns) {
        if (columns % type.blockElements() == 0) {
            return type;
        }
        GgufType smaller = switch (type) {
            case Q2_K, Q3_K, TQ1_0, TQ2_0 -> Q4_0;
            case Q4_K -> Q5_0;
            case Q5_K -> Q5_1;
            case Q6_K -> Q8_0;
            default -> F16;
        };
        return columns % smaller.blockElements() == 0 ? smaller : F16;
    }
}
