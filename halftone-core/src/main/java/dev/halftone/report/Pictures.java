package dev.halftone.report;

import java.util.Base64;
import java.util.List;

/** Grey images side by side, each with a line below it. */
public final class Pictures implements Chart {
    private static final int WIDTH = 760;
    private static final int PER_ROW = 4;
    private static final int GAP = 12;
    private static final int CAPTION = 22;
    private static final byte[] GREYS = greys();

    private final String name;
    private final List<Picture> pictures;

    /**
     * An image.
     *
     * @param rows of pixels, 0 is black and 255 white; what lies beyond is drawn as these
     */
    public record Picture(String caption, double[][] rows) {}

    public Pictures(String name, List<Picture> pictures) {
        this.name = name;
        this.pictures = List.copyOf(pictures);
    }

    private static byte[] greys() {
        byte[] colors = new byte[3 * 256];
        for (int i = 0; i < colors.length; i++) {
            colors[i] = (byte) (i / 3);
        }
        return colors;
    }

    @Override
    public String svg() {
        if (pictures.isEmpty()) {
            return "";
        }
        int side = (WIDTH - GAP * (PER_ROW - 1)) / PER_ROW;
        int lines = Math.ceilDiv(pictures.size(), PER_ROW);
        StringBuilder svg = new StringBuilder();
        svg.append("<h3>%s</h3>%n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n"
                .formatted(Page.escape(name), WIDTH, lines * (side + CAPTION), Page.escape(name)));
        for (int i = 0; i < pictures.size(); i++) {
            Picture picture = pictures.get(i);
            int x = i % PER_ROW * (side + GAP);
            int y = i / PER_ROW * (side + CAPTION);
            svg.append(Page.format(
                    "<image x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\""
                            + " style=\"image-rendering:pixelated\" href=\"data:image/png;base64,%s\"/>%n",
                    x, y, side, side, Base64.getEncoder().encodeToString(Png.of(pixels(picture), GREYS))));
            svg.append(Page.format(
                    "<text x=\"%d\" y=\"%d\">%s</text>%n", x, y + side + 14, Page.escape(picture.caption())));
        }
        return svg.append("</svg>\n").toString();
    }

    private static byte[][] pixels(Picture picture) {
        double[][] rows = picture.rows();
        byte[][] pixels = new byte[rows.length][];
        for (int i = 0; i < rows.length; i++) {
            pixels[i] = new byte[rows[i].length];
            for (int j = 0; j < rows[i].length; j++) {
                pixels[i][j] = (byte) Math.round(Math.clamp(rows[i][j], 0.0, 255.0));
            }
        }
        return pixels;
    }
}
