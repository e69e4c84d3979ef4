package dev.halftone.kernel.packed;

/** Layouts of stored weights that {@link PackedMatrices#ofBlocks} repacks, named as GGUF names them. */
public enum BlockType {
    F32(1, 4),
    F16(1, 2),
    BF16(1, 2),
    Q4_0(32, 18),
    Q4_1(32, 20),
    Q5_0(32, 22),
    Q5_1(32, 24),
    Q8_0(32, 34),
    Q2_K(256, 84),
    Q3_K(256, 110),
    Q4_K(256, 144),
    Q5_K(256, 176),
    Q6_K(256, 210),
    IQ4_NL(32, 18),
    IQ4_XS(256, 136),
    TQ2_0(256, 66),
    MXFP4(32, 17),
    NVFP4(64, 36);

    private final int columns;
    private final int bytes;

    BlockType(int columns, int bytes) {
        this.columns = columns;
        this.bytes = bytes;
    }

    /** Columns of a block. */
    public int columns() {
        return columns;
    }

    /** Bytes of a block. */
    public int bytes() {
        return bytes;
    }

    /** Bytes of a row. */
    public long rowBytes(int columns) {
        return (long) columns / this.columns * bytes;
    }
}
