package dev.halftone.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Curves over a common axis. */
public final class LineChart implements Chart {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 260;
    private static final int LEFT = 70;
    private static final int BOTTOM = 30;
    private static final List<String> COLORS = List.of(
            "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#7a5195",
            "#8c564b");

    private final String name;
    private final Axis x;
    private final Axis y;
    private final Map<String, List<Point>> curves = new LinkedHashMap<>();

    /** y over x. */
    public record Point(double x, double y) {}

    public LineChart(String name, Axis x, Axis y) {
        this.name = name;
        this.x = x;
        this.y = y;
    }

    /** Adds a point to a curve, which begins with its first. */
    public LineChart add(String curve, double atX, double atY) {
        curves.computeIfAbsent(curve, _ -> new ArrayList<>()).add(new Point(atX, atY));
        return this;
    }

    @Override
    public String svg() {
        List<Point> all = curves.values().stream().flatMap(List::stream).toList();
        if (all.isEmpty()) {
            return "";
        }
        // Counts begin at 0; logarithms where the data do.
        double left = Math.min(
                x == Axis.LINEAR ? 0 : Double.MAX_VALUE,
                min(all.stream().mapToDouble(Point::x).toArray()));
        double right = all.stream().mapToDouble(Point::x).max().orElse(1);
        double low = min(all.stream().mapToDouble(Point::y).toArray());
        double high = all.stream().mapToDouble(Point::y).max().orElse(1);
        double width = right > left ? right - left : 1;
        double span = high > low ? high - low : 1;
        StringBuilder svg = new StringBuilder();
        svg.append("<h3>%s</h3>%n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n"
                .formatted(Page.escape(name), WIDTH, HEIGHT, Page.escape(name)));
        for (double tick : y.ticks(low, low + span)) {
            double at = y((tick - low) / span);
            svg.append(Page.format("<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>", LEFT, at, WIDTH));
            svg.append(Page.format(
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>%n", LEFT - 6, at + 4, y.label(tick)));
        }
        for (double tick : x.ticks(left, left + width)) {
            double share = (tick - left) / width;
            svg.append(Page.format(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%s</text>%n",
                    LEFT + (WIDTH - LEFT) * share, HEIGHT - 8, share > 0.97 ? "end" : "middle", x.label(tick)));
        }
        StringBuilder legend = new StringBuilder();
        int color = 0;
        for (Map.Entry<String, List<Point>> curve : curves.entrySet()) {
            String stroke = COLORS.get(color++ % COLORS.size());
            svg.append("<polyline fill=\"none\" stroke-width=\"1.3\" stroke=\"")
                    .append(stroke)
                    .append("\" points=\"");
            for (Point point : curve.getValue()) {
                svg.append(Page.format(
                        "%.1f,%.1f ", LEFT + (WIDTH - LEFT) * (point.x() - left) / width, y((point.y() - low) / span)));
            }
            svg.append("\"/>\n");
            legend.append("<span style=\"color:%s\">&#9644; %s</span> ".formatted(stroke, Page.escape(curve.getKey())));
        }
        return svg.append("</svg>\n<p class=\"legend\">")
                .append(legend)
                .append("</p>\n")
                .toString();
    }

    private static double min(double[] values) {
        double min = values[0];
        for (double value : values) {
            min = Math.min(min, value);
        }
        return min;
    }

    private static double y(double share) {
        return 10 + (HEIGHT - 10 - BOTTOM) * (1 - share);
    }
}
