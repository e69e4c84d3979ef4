package dev.halftone.format.gguf;

import dev.halftone.format.gguf.BlockLayout.Offset;

/**
 * One row of a weight in a block type, taken apart. Its parts are what the file stores, so that what {@link #value} gives is what a
 * reader decodes, bit for bit. Not safe for several threads at once.
 */
public final class BlockRow {
    /** Numbers of a type's bits that stand for 0 to 254, as ggml's MXFP4 reader has them: 2^(e - 127) / 2. */
    private static final int EXPONENT_BIAS = 128;

    private static final int LARGEST_EXPONENT = 254;

    private final BlockLayout layout;
    private final int in;

    /** Codes of all inputs. */
    final byte[] codes;

    /** Per block: half-precision bits, or the exponent byte of MXFP4. */
    final short[] d;

    /** Per block: half-precision bits of m or dmin. */
    final short[] minimum;

    /** Per run, where the layout has multipliers. */
    final byte[] multipliers;

    /** Per run, where offsets are multiples. */
    final byte[] minimumMultipliers;

    /** @param in inputs, whole blocks */
    public BlockRow(BlockLayout layout, int in) {
        if (in % layout.block() != 0) {
            throw new IllegalArgumentException("%d inputs in blocks of %d".formatted(in, layout.block()));
        }
        this.layout = layout;
        this.in = in;
        int blocks = in / layout.block();
        this.codes = new byte[in];
        this.d = new short[blocks];
        this.minimum = new short[layout.offset() == Offset.NONE ? 0 : blocks];
        this.multipliers = new byte[layout.hasMultipliers() ? in / layout.run() : 0];
        this.minimumMultipliers = new byte[layout.offset() == Offset.MULTIPLE ? in / layout.run() : 0];
    }

    public BlockLayout layout() {
        return layout;
    }

    public int in() {
        return in;
    }

    public int code(int input) {
        return codes[input] & 0xFF;
    }

    public void setCode(int input, int code) {
        codes[input] = (byte) code;
    }

    /** The number that the block's scales are multiples of. */
    public float unit(int block) {
        return layout == BlockLayout.MXFP4 ? Math.scalb(1f, d[block] - EXPONENT_BIAS) : Float.float16ToFloat(d[block]);
    }

    /** Stores the nearest half-precision number, or the nearest power of two of MXFP4. */
    public void setUnit(int block, float value) {
        if (layout == BlockLayout.MXFP4) {
            // Above 1.5 * 2^k the next power is nearer.
            int exponent = value > 0 ? Math.getExponent(value / 1.5f) + 1 : 0;
            d[block] = (short) Math.clamp(exponent + EXPONENT_BIAS, 0, LARGEST_EXPONENT);
        } else {
            d[block] = Float.floatToFloat16(value);
        }
    }

    /** m, or what the block's offsets are multiples of. */
    public float minimum(int block) {
        return Float.float16ToFloat(minimum[block]);
    }

    /** Stores the nearest half-precision number. */
    public void setMinimum(int block, float value) {
        minimum[block] = Float.floatToFloat16(value);
    }

    /** The integer factor of a run's scale; Q3_K's and Q6_K's are signed. */
    public int multiplier(int run) {
        return multipliers[run];
    }

    public void setMultiplier(int run, int factor) {
        multipliers[run] = (byte) factor;
    }

    /** The integer factor of a run's offset. */
    public int minimumMultiplier(int run) {
        return minimumMultipliers[run];
    }

    public void setMinimumMultiplier(int run, int factor) {
        minimumMultipliers[run] = (byte) factor;
    }

    /** What the levels of a run are multiplied with. */
    public float scale(int run) {
        float unit = unit(run / layout.runs());
        return layout.hasMultipliers() ? unit * multipliers[run] : unit;
    }

    /** What is added to the multiples of a run's scale. */
    public float offset(int run) {
        return switch (layout.offset()) {
            case NONE -> 0;
            case MINIMUM -> minimum(run / layout.runs());
            case MULTIPLE -> -(minimum(run / layout.runs()) * minimumMultipliers[run]);
        };
    }

    /** What a reader decodes. */
    public float value(int input) {
        int run = input / layout.run();
        return scale(run) * layout.level(code(input)) + offset(run);
    }
}
