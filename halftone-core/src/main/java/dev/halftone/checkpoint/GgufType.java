package dev.halftone.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * Tensor types of GGUF: id, elements and bytes of a block. Source: ggml.h, ggml-common.h. The types without a decoder are
 * known by name only, so that an error can say which one a file holds.
 */
public enum GgufType {
    F32(0, 1, 4, PlainElements::f32),
    F16(1, 1, 2, PlainElements::f16),
    Q4_0(2, 32, 18, GgmlBlocks32::q40),
    Q4_1(3, 32, 20, GgmlBlocks32::q41),
    Q5_0(6, 32, 22, GgmlBlocks32::q50),
    Q5_1(7, 32, 24, GgmlBlocks32::q51),
    Q8_0(8, 32, 34, GgmlBlocks32::q80),
    Q8_1(9),
    Q2_K(10, 256, 84, GgmlBlocks256::q2k),
    Q3_K(11, 256, 110, GgmlBlocks256::q3k),
    Q4_K(12, 256, 144, GgmlBlocks256::q4k),
    Q5_K(13, 256, 176, GgmlBlocks256::q5k),
    Q6_K(14, 256, 210, GgmlBlocks256::q6k),
    Q8_K(15),
    IQ2_XXS(16),
    IQ2_XS(17),
    IQ3_XXS(18),
    IQ1_S(19),
    IQ4_NL(20, 32, 18, GgmlBlocks32::iq4nl),
    IQ3_S(21),
    IQ2_S(22),
    IQ4_XS(23, 256, 136, GgmlBlocks256::iq4xs),
    I8(24, 1, 1, PlainElements::i8),
    I16(25, 1, 2, PlainElements::i16),
    I32(26, 1, 4, PlainElements::i32),
    I64(27, 1, 8, PlainElements::i64),
    F64(28, 1, 8, PlainElements::f64),
    IQ1_M(29),
    BF16(30, 1, 2, PlainElements::bf16),
    TQ1_0(34, 256, 54, GgmlBlocks256::tq10),
    TQ2_0(35, 256, 66, GgmlBlocks256::tq20),
    MXFP4(39, 32, 17, GgmlBlocks32::mxfp4),
    NVFP4(40, 64, 36, GgmlBlocks32::nvfp4),
    Q1_0(41),
    Q2_0(42);

    private static final @Nullable GgufType[] BY_ID = byId();

    private final int id;
    private final int blockElements;
    private final int blockBytes;

    @SuppressWarnings("ImmutableEnumChecker") // decoders are functions without state
    private final @Nullable BlockDecoder decoder;

    GgufType(int id) {
        this(id, 0, 0, null);
    }

    GgufType(int id, int blockElements, int blockBytes, @Nullable BlockDecoder decoder) {
        this.id = id;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
        this.decoder = decoder;
    }

    /** The number that stands for the type in a file. */
    public int id() {
        return id;
    }

    /** Elements in a block; 0 if this build does not know the layout. */
    public int blockElements() {
        return blockElements;
    }

    /** Bytes of a block; 0 if this build does not know the layout. */
    public int blockBytes() {
        return blockBytes;
    }

    @Nullable
    BlockDecoder decoder() {
        return decoder;
    }

    /**
     * Decodes blocks to float32.
     *
     * @throws IllegalStateException if this build does not know the layout
     */
    public void decode(byte[] source, float[] target, int blocks) {
        BlockDecoder known = decoder;
        if (known == null) {
            throw new IllegalStateException(this + " has no decoder");
        }
        known.decode(source, target, blocks);
    }

    static @Nullable GgufType of(int id) {
        return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
    }

    private static @Nullable GgufType[] byId() {
        @Nullable GgufType[] types = new @Nullable GgufType[64];
        for (GgufType type : values()) {
            types[type.id] = type;
        }
        return types;
    }
}
