package dev.halftone.report;

/** 256 colors from black over violet and orange to pale yellow, of rising lightness. */
final class Palette {
    private static final int STEPS = 256;

    /** Red, green and blue one after the other. */
    static final byte[] COLORS = colors();

    private Palette() {}

    /** Linear between five colors. */
    private static byte[] colors() {
        int[][] stops = {{0, 0, 10}, {80, 18, 110}, {185, 55, 85}, {250, 140, 20}, {252, 255, 190}};
        byte[] colors = new byte[3 * STEPS];
        for (int i = 0; i < STEPS; i++) {
            double at = (stops.length - 1) * i / (double) (STEPS - 1);
            int from = Math.min((int) at, stops.length - 2);
            for (int c = 0; c < 3; c++) {
                colors[3 * i + c] =
                        (byte) Math.round(stops[from][c] + (at - from) * (stops[from + 1][c] - stops[from][c]));
            }
        }
        return colors;
    }
}
