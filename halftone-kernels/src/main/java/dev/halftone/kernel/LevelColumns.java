package dev.halftone.kernel;

/**
 * {@link Levels} of many values, side by side.
 *
 * @param zeros zero points, whole numbers
 * @param lowest smallest code of all of them; {@code largest} likewise
 */
public record LevelColumns(float[] scales, float[] offsets, float[] zeros, int lowest, int largest) {
    /** For that many values, not filled in yet. */
    public static LevelColumns of(int count, int lowest, int largest) {
        return new LevelColumns(new float[count], new float[count], new float[count], lowest, largest);
    }
}
