package dev.halftone.training;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A page of line charts as inline SVG; nothing is fetched from elsewhere. */
final class Curves {
    private static final int WIDTH = 760;
    private static final int HEIGHT = 260;
    private static final int LEFT = 70;
    private static final int BOTTOM = 30;
    private static final List<String> COLORS = List.of(
            "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999", "#7a5195",
            "#8c564b");
    private final StringBuilder body = new StringBuilder();
    private final String title;

    /** y over x. */
    record Point(double x, double y) {}

    Curves(String title) {
        this.title = title;
    }

    /** A chart; nothing where no curve has a point. */
    void add(String name, Map<String, List<Point>> curves) {
        List<Point> all = curves.values().stream().flatMap(List::stream).toList();
        if (all.isEmpty()) {
            return;
        }
        double right = all.stream().mapToDouble(Point::x).max().orElse(1);
        double low = all.stream().mapToDouble(Point::y).min().orElse(0);
        double high = all.stream().mapToDouble(Point::y).max().orElse(1);
        double span = high > low ? high - low : 1;
        body.append("<h2>%s</h2>%n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">%n"
                .formatted(escape(name), WIDTH, HEIGHT, escape(name)));
        for (int i = 0; i <= 4; i++) {
            double y = y(i / 4.0);
            body.append(format("<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>", LEFT, y, WIDTH));
            body.append(format(
                    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>%n",
                    LEFT - 6, y + 4, low + span * i / 4));
            double x = LEFT + (WIDTH - LEFT) * i / 4.0;
            body.append(format(
                    "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\">%.0f</text>%n",
                    x, HEIGHT - 8, i == 4 ? "end" : "middle", right * i / 4));
        }
        int color = 0;
        StringBuilder legend = new StringBuilder();
        for (Map.Entry<String, List<Point>> curve : curves.entrySet()) {
            String stroke = COLORS.get(color++ % COLORS.size());
            body.append("<polyline fill=\"none\" stroke=\"").append(stroke).append("\" points=\"");
            for (Point point : curve.getValue()) {
                body.append(format(
                        "%.1f,%.1f ",
                        LEFT + (WIDTH - LEFT) * (right > 0 ? point.x() / right : 0), y((point.y() - low) / span)));
            }
            body.append("\"/>\n");
            legend.append("<span style=\"color:%s\">&#9644; %s</span> ".formatted(stroke, escape(curve.getKey())));
        }
        body.append("</svg>\n<p>").append(legend).append("</p>\n");
    }

    private static double y(double share) {
        return 10 + (HEIGHT - 10 - BOTTOM) * (1 - share);
    }

    String html() {
        return """
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8"><title>%s</title>
                <style>body{font:14px sans-serif;max-width:800px;margin:auto}svg{width:100%%}text{font-size:11px}</style>
                </head><body><h1>%s</h1>
                %s</body></html>
                """.formatted(escape(title), escape(title), body);
    }

    private static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
