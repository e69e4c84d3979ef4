package dev.halftone.hub;

import java.time.Duration;

/**
 * How long a download goes on trying.
 *
 * @param attempts failures in a row, without {@link #PROGRESS} bytes between them, that end it
 * @param firstWait pause after the first failure; doubles with each
 * @param silence a connection that brings nothing for this long counts as cut
 */
public record Patience(int attempts, Duration firstWait, Duration silence) {
    /** A connection that is cut again and again still ends: fewer new bytes than these count as nothing. */
    static final long PROGRESS = 1 << 20;

    private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);

    /** Gives up after 7.5 seconds of pauses without any progress. */
    public static final Patience USUAL = new Patience(5, Duration.ofMillis(500), Duration.ofSeconds(60));

    /** Waits before the next attempt: longer each time, and as long as the server asks for, within reason. */
    void pause(int failures, Duration asked) throws InterruptedException {
        Duration wait = firstWait.multipliedBy(1L << Math.min(failures - 1, 10));
        if (wait.compareTo(asked) < 0) {
            wait = asked;
        }
        Thread.sleep(wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait);
    }
}
