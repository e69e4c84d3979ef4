package dev.halftone.report;

import java.util.stream.IntStream;

/** What the numbers along an axis mean. */
public enum Axis {
    /** The values themselves. */
    LINEAR,
    /** Base-10 logarithms of what is written beside the axis. */
    LOG10,
    /** Base-2 logarithms of what is written beside the axis. */
    LOG2;

    private static final int MOST = 7;

    String label(double tick) {
        return switch (this) {
            case LINEAR ->
                Page.format(Math.abs(tick) >= 1e5 ? "%.1e" : "%.6f", tick)
                        .replaceFirst("(\\.\\d*?)0+$", "$1")
                        .replaceFirst("\\.$", "");
            case LOG10 ->
                tick == Math.rint(tick) && Math.abs(tick) <= 4
                        ? LINEAR.label(Math.pow(10, tick))
                        : Page.format("%.0e", Math.pow(10, tick));
            case LOG2 -> Page.format("2^%.0f", tick);
        };
    }

    /** Round numbers between two bounds, at most {@link #MOST} steps: 1, 2 or 5 times a power of ten apart, logarithms whole numbers. */
    double[] ticks(double low, double high) {
        double step = Math.pow(10, Math.floor(Math.log10((high - low) / MOST)));
        for (double factor : new double[] {1, 2, 5, 10}) {
            if ((high - low) / (step * factor) <= MOST) {
                step *= factor;
                break;
            }
        }
        if (this != LINEAR && high - low >= 2) {
            step = Math.max(1, step);
        }
        double used = step;
        int from = (int) Math.ceil(low / used - 1e-9);
        int to = (int) Math.floor(high / used + 1e-9);
        return IntStream.rangeClosed(from, to).mapToDouble(i -> i * used).toArray();
    }
}
