package dev.halftone.kernel;

/**
 * Evenly spaced values: code c, lowest to largest, stands for (c - zero) * scale + offset.
 *
 * @param scale not 0; negative where a format keeps the sign of its largest element in the scale
 * @param offset 0 for formats whose zero point is a code
 */
public record Levels(float scale, float offset, int zero, int lowest, int largest) {
    /** The code of a value: rounded half to even in float32, with a true division. */
    public static int code(float w, float scale, float offset, int zero, int lowest, int largest) {
        return (int) Math.clamp((float) Math.rint((w - offset) / scale) + zero, (float) lowest, (float) largest);
    }

    /** The value of a code: what is computed when a packed weight is read. */
    public static float value(int code, float scale, float offset, int zero) {
        return (code - zero) * scale + offset;
    }

    /** {@link #code(float, float, float, int, int, int)} on these levels. */
    public int code(float w) {
        return code(w, scale, offset, zero, lowest, largest);
    }

    /** {@link #value(int, float, float, int)} on these levels. */
    public float value(int code) {
        return value(code, scale, offset, zero);
    }
}
