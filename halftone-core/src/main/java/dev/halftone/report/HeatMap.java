package dev.halftone.report;

import java.util.Arrays;
import java.util.Base64;

/**
 * A map of magnitudes: rows from top to bottom, brightness by the logarithm of the value. Maps wider than {@link #WIDEST} show the
 * largest of neighbouring columns.
 */
public final class HeatMap implements Chart {
    private static final int WIDEST = 1200;
    private static final int WIDTH = 760;
    private static final int LEFT = 70;
    private static final int RIGHT = 70;
    private static final int BOTTOM = 30;
    /** Values this many times below the largest are all black, and so are the smallest hundredth. */
    private static final double RANGE = 1e4;

    private static final int DARKEST = 100;

    private final String name;
    private final String rows;
    private final String columns;
    private final double[][] values;

    /**
     * @param rows what a row is, likewise {@code columns}
     * @param values magnitudes, 0 or more; all rows equally long
     */
    public HeatMap(String name, String rows, String columns, double[][] values) {
        this.name = name;
        this.rows = rows;
        this.columns = columns;
        this.values = values;
    }

    @Override
    public String svg() {
        double high =
                Arrays.stream(values).flatMapToDouble(Arrays::stream).max().orElse(0);
        if (high <= 0) {
            return "";
        }
        double[] sorted = Arrays.stream(values)
                .flatMapToDouble(Arrays::stream)
                .filter(value -> value > 0)
                .sorted()
                .toArray();
        double low = Math.max(high / RANGE, sorted[sorted.length / DARKEST]);
        int count = values[0].length;
        int height = Math.clamp(values.length * 7L, 60, 320);
        int inner = WIDTH - LEFT - RIGHT;
        StringBuilder svg = new StringBuilder();
        svg.append("<h3>%s</h3>%n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n"
                .formatted(Page.escape(name), WIDTH, height + BOTTOM + 10, Page.escape(name)));
        image(svg, LEFT, 10, inner, height, pixels(low, high));
        // Row numbers at the top, in the middle and at the bottom; columns at five places.
        for (int i = 0; i <= 2 && i < values.length; i++) {
            int row = (values.length - 1) * i / Math.min(2, Math.max(1, values.length - 1));
            double y = 10 + height * (row + 0.5) / values.length + 4;
            svg.append(Page.format(
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s %d</text>%n",
                    LEFT - 6, y, Page.escape(rows), row));
        }
        for (int i = 0; i <= 4; i++) {
            int column = (count - 1) * i / 4;
            svg.append(Page.format(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s%d</text>%n",
                    LEFT + inner * (column + 0.5) / count,
                    height + BOTTOM,
                    i == 0 ? Page.escape(columns) + " " : "",
                    column));
        }
        scale(svg, height, low, high);
        return svg.append("</svg>\n").toString();
    }

    private static void scale(StringBuilder svg, int height, double low, double high) {
        byte[][] ramp = new byte[64][1];
        for (int i = 0; i < ramp.length; i++) {
            ramp[i][0] = (byte) (255 - 255 * i / (ramp.length - 1));
        }
        int x = WIDTH - RIGHT + 12;
        image(svg, x, 10, 12, height, ramp);
        for (int i = 0; i <= 2; i++) {
            double value = low * Math.pow(high / low, i / 2.0);
            // Short enough for the margin.
            String label = Page.format(value >= 1e5 ? "%.0e" : value >= 1000 ? "%.0f" : "%.3g", value);
            svg.append(
                    Page.format("<text x=\"%d\" y=\"%.1f\">%s</text>%n", x + 16, 14 + height * (1 - i / 2.0), label));
        }
    }

    private static void image(StringBuilder svg, int x, int y, int width, int height, byte[][] pixels) {
        svg.append(Page.format(
                "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\""
                        + " style=\"image-rendering:pixelated\" href=\"data:image/png;base64,%s\"/>%n",
                x, y, width, height, Base64.getEncoder().encodeToString(Png.of(pixels, Palette.COLORS))));
    }

    private byte[][] pixels(double low, double high) {
        int count = values[0].length;
        int shown = Math.min(count, WIDEST);
        byte[][] pixels = new byte[values.length][shown];
        for (int row = 0; row < values.length; row++) {
            for (int i = 0; i < shown; i++) {
                int from = (int) ((long) i * count / shown);
                int to = (int) ((i + 1L) * count / shown);
                double largest = Arrays.stream(values[row], from, to).max().orElse(0);
                double share = largest <= low || high <= low ? 0 : Math.log(largest / low) / Math.log(high / low);
                pixels[row][i] = (byte) Math.round(255 * share);
            }
        }
        return pixels;
    }
}
