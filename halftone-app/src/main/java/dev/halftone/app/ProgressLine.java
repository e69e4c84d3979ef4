package dev.halftone.app;

import java.io.PrintStream;
import java.time.Duration;

/** Progress with the time left: one line that is rewritten on a terminal, nothing elsewhere. Goes to standard error. */
final class ProgressLine implements AutoCloseable {
    private static final int WIDTH = 30;
    private final PrintStream err = System.err;
    private final String title;
    private final boolean terminal = Boolean.getBoolean("halftone.terminal");
    private final long start = System.nanoTime();
    private boolean drawn;

    ProgressLine(String title) {
        this.title = title;
    }

    void update(int done, int total) {
        if (!terminal || total == 0) {
            return;
        }
        int filled = WIDTH * done / total;
        double elapsed = (System.nanoTime() - start) / 1e9;
        String left = done == 0 ? "" : ", " + time(elapsed * (total - done) / done) + " left";
        err.printf("\r%s [%s%s] %d/%d%s   ", title, "=".repeat(filled), " ".repeat(WIDTH - filled), done, total, left);
        err.flush();
        drawn = true;
    }

    private static String time(double seconds) {
        Duration duration = Duration.ofSeconds(Math.round(seconds));
        return duration.toHours() > 0
                ? "%d:%02d:%02d".formatted(duration.toHours(), duration.toMinutesPart(), duration.toSecondsPart())
                : "%d:%02d".formatted(duration.toMinutes(), duration.toSecondsPart());
    }

    @Override
    public void close() {
        if (drawn) {
            err.printf("\r%s\r", " ".repeat(title.length() + WIDTH + 40));
        }
    }
}
