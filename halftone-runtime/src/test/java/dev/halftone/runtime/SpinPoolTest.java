package dev.halftone.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SpinPoolTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void everyPieceOfEveryPhaseRunsOnce(int threads) {
        try (SpinPool pool = new SpinPool(threads)) {
            for (int phase = 0; phase < 20_000; phase++) {
                int count = phase % 9;
                AtomicIntegerArray runs = new AtomicIntegerArray(9);
                pool.run(count, (piece, thread) -> {
                    assertThat(thread).isBetween(0, threads - 1);
                    runs.incrementAndGet(piece);
                });
                for (int piece = 0; piece < 9; piece++) {
                    assertThat(runs.get(piece)).isEqualTo(piece < count ? 1 : 0);
                }
            }
        }
    }

    @Test
    void threadsThatFellAsleepWakeUp() throws InterruptedException {
        try (SpinPool pool = new SpinPool(2)) {
            for (int phase = 0; phase < 5; phase++) {
                Thread.sleep(5);
                boolean[] other = new boolean[1];
                // Pieces that end when somebody else has taken one.
                pool.run(2, (piece, thread) -> {
                    long start = System.nanoTime();
                    if (thread != 0) {
                        other[0] = true;
                    }
                    while (thread == 0 && System.nanoTime() - start < 50_000_000) {
                        Thread.onSpinWait();
                    }
                });
                assertThat(other[0]).isTrue();
            }
        }
    }

    @Test
    void aFailureReachesTheCallerAndThePoolGoesOn() {
        try (SpinPool pool = new SpinPool(2)) {
            assertThatThrownBy(() -> pool.run(10, (piece, _) -> {
                        if (piece == 7) {
                            throw new IllegalStateException("seven");
                        }
                    }))
                    .hasMessage("seven");
            int[] done = new int[10];
            pool.run(10, (piece, _) -> done[piece] = 1);
            assertThat(done).containsOnly(1);
        }
    }
}
