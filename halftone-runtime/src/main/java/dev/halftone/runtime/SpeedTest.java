package dev.halftone.runtime;

import dev.halftone.runtime.TokenEngine.Chunk;
import dev.halftone.runtime.TokenEngine.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Tokens per second of an engine, as llama-bench measures them: a prompt of random tokens in one step with the last token's logits, and
 * random tokens one by one with each one's. Every repetition starts with an empty sequence.
 */
public final class SpeedTest {
    private static final long SEED = 1;

    private final TokenEngine engine;
    private final int repetitions;
    private final double warmUpSeconds;

    /**
     * Speeds of one test.
     *
     * @param name as llama-bench's: "pp512", "tg128"
     * @param tokens of a repetition
     * @param prompt true for a prompt, false for tokens one by one
     * @param seconds of each repetition
     */
    public record Result(String name, int tokens, boolean prompt, double[] seconds) {
        /** Tokens per second of each repetition. */
        public double[] speeds() {
            return Arrays.stream(seconds).map(s -> tokens / s).toArray();
        }

        /** Mean of the repetitions, tokens per second. */
        public double mean() {
            return Arrays.stream(speeds()).average().orElse(0);
        }

        /** Standard deviation of the repetitions, 0 for one. */
        public double deviation() {
            double mean = mean();
            double squares =
                    Arrays.stream(speeds()).map(s -> (s - mean) * (s - mean)).sum();
            return seconds.length < 2 ? 0 : Math.sqrt(squares / (seconds.length - 1));
        }
    }

    /** @param warmUpSeconds how long the just-in-time compiler is shown each test before it is measured: at least one repetition */
    public SpeedTest(TokenEngine engine, int repetitions, double warmUpSeconds) {
        this.engine = engine;
        this.repetitions = repetitions;
        this.warmUpSeconds = warmUpSeconds;
    }

    /** A prompt of that many tokens. */
    public Result prompt(int tokens) {
        return measure("pp" + tokens, tokens, true);
    }

    /** That many tokens one by one. */
    public Result generation(int tokens) {
        return measure("tg" + tokens, tokens, false);
    }

    private Result measure(String name, int tokens, boolean prompt) {
        int[] ids = ids(tokens);
        double warmed = 0;
        do {
            warmed += once(ids, prompt);
        } while (warmed < warmUpSeconds);
        double[] seconds = new double[repetitions];
        for (int i = 0; i < repetitions; i++) {
            seconds[i] = once(ids, prompt);
        }
        return new Result(name, tokens, prompt, seconds);
    }

    private int[] ids(int tokens) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        return random.ints(tokens, 0, engine.vocabulary()).toArray();
    }

    private double once(int[] ids, boolean prompt) {
        try (Sequence sequence = engine.open(ids.length)) {
            long start = System.nanoTime();
            if (prompt) {
                engine.step(List.of(new Chunk(sequence, ids, false)));
            } else {
                for (int id : ids) {
                    engine.step(List.of(new Chunk(sequence, new int[] {id}, false)));
                }
            }
            return (System.nanoTime() - start) / 1e9;
        }
    }
}
