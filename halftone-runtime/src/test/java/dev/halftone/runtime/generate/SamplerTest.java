package dev.halftone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class SamplerTest {
    private static final int DRAWS = 20_000;
    private static final int[] NONE = {};

    private static Sampling sampling(double temperature, int topK, double topP, double minP) {
        return new Sampling(temperature, topK, topP, minP, 1, 0, 0, Map.of(), 7);
    }

    /** ln p of 0.5, 0.3, 0.15, 0.05, in another order. */
    private static float[] four() {
        return new float[] {(float) Math.log(0.15), (float) Math.log(0.5), (float) Math.log(0.05), (float) Math.log(0.3)
        };
    }

    private static double[] shares(Sampling options, float[] logits) {
        Sampler sampler = new Sampler(options, 0, NONE);
        double[] shares = new double[logits.length];
        for (int i = 0; i < DRAWS; i++) {
            shares[sampler.next(logits)] += 1.0 / DRAWS;
        }
        return shares;
    }

    @Test
    void drawsFollowTheProbabilities() {
        // Four standard deviations of a share of 0.5.
        assertThat(shares(sampling(1, 0, 1, 0), four()))
                .containsExactly(new double[] {0.15, 0.5, 0.05, 0.3}, within(0.015));
    }

    @Test
    void theTemperatureComesBeforeTopP() {
        // At temperature 0.5 the shares are squares: 0.68, 0.25, 0.06, 0.007.
        assertThat(shares(sampling(0.5, 0, 0.7, 0), four()))
                .containsExactly(new double[] {0, 0.735, 0, 0.265}, within(0.015));
        // Without it 0.5 + 0.3 reach 0.7 too, and share it otherwise.
        assertThat(shares(sampling(1, 0, 0.7, 0), four()))
                .containsExactly(new double[] {0, 0.625, 0, 0.375}, within(0.015));
    }

    @Test
    void topKComesBeforeTopP() {
        // Of the best two, 0.5 is 0.625: enough for 0.6, not for 0.7.
        assertThat(shares(sampling(1, 2, 0.6, 0), four())).containsExactly(new double[] {0, 1, 0, 0}, within(1e-9));
        assertThat(shares(sampling(1, 2, 0.7, 0), four())[3]).isCloseTo(0.375, within(0.015));
    }

    @Test
    void minPIsAShareOfTheBest() {
        assertThat(shares(sampling(1, 0, 1, 0.31), four()))
                .containsExactly(new double[] {0, 0.625, 0, 0.375}, within(0.015));
    }

    @Test
    void penaltiesAndBiases() {
        float[] logits = {2, 1.9f, -1, -1.1f};
        Sampling repetition = new Sampling(0, 0, 1, 0, 2, 0, 0, Map.of(), 0);
        assertThat(new Sampler(repetition, 0, new int[] {0}).next(logits)).isEqualTo(1);
        Sampler sampler = new Sampler(repetition, 0, NONE);
        assertThat(new int[] {sampler.next(logits), sampler.next(logits), sampler.next(logits)})
                .containsExactly(0, 1, 0);
        Sampling frequency = new Sampling(0, 0, 1, 0, 1, 0.06, 0, Map.of(), 0);
        Sampler counting = new Sampler(frequency, 0, new int[] {0, 0, 0, 0});
        assertThat(new int[] {counting.next(logits), counting.next(logits), counting.next(logits), counting.next(logits)
                })
                .containsExactly(0, 0, 1, 0);
        assertThat(new Sampler(new Sampling(0, 0, 1, 0, 1, 0, 0, Map.of(3, 50.0, 99, 1.0), 0), 0, NONE).next(logits))
                .isEqualTo(3);
        assertThat(logits).containsExactly(2, 1.9f, -1, -1.1f);
    }

    @Test
    void equalSeedsEqualDrawsAndChoicesDiffer() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(3);
        float[] logits = new float[500];
        for (int i = 0; i < logits.length; i++) {
            logits[i] = (float) random.nextGaussian();
        }
        Sampler first = new Sampler(sampling(1, 0, 0.9, 0), 0, NONE);
        Sampler second = new Sampler(sampling(1, 0, 0.9, 0), 0, NONE);
        Sampler other = new Sampler(sampling(1, 0, 0.9, 0), 1, NONE);
        boolean differs = false;
        for (int i = 0; i < 50; i++) {
            int id = first.next(logits);
            assertThat(second.next(logits)).isEqualTo(id);
            differs |= other.next(logits) != id;
        }
        assertThat(differs).isTrue();
    }

    /** Against a plain implementation that sorts everything. */
    @Test
    void whatIsKeptDoesNotDependOnTheMargins() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(5);
        for (int round = 0; round < 60; round++) {
            float[] logits = new float[200];
            double spread = Math.exp(4 * random.nextDouble() - 1);
            for (int i = 0; i < logits.length; i++) {
                logits[i] = (float) (spread * random.nextGaussian());
            }
            Sampling options = sampling(
                    0.3 + random.nextDouble(),
                    random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(60),
                    random.nextInt(3) == 0 ? 1 : random.nextDouble(0.05, 1),
                    random.nextInt(3) == 0 ? 0.01 : 0);
            Set<Integer> kept = plain(options, logits);
            Sampler sampler = new Sampler(options, 0, NONE);
            Set<Integer> drawn = new TreeSet<>();
            for (int i = 0; i < 400; i++) {
                drawn.add(sampler.next(logits));
            }
            assertThat(kept).as("%s", options).containsAll(drawn);
            assertThat(drawn).as("%s", options).contains(kept.iterator().next());
        }
    }

    private static Set<Integer> plain(Sampling options, float[] logits) {
        Integer[] order = new Integer[logits.length];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        java.util.Arrays.sort(order, (a, b) -> Float.compare(logits[b], logits[a]));
        int count = options.topK() == 0 ? order.length : Math.min(options.topK(), order.length);
        double best = logits[order[0]];
        double mass = 0;
        for (int i = 0; i < count; i++) {
            mass += Math.exp((logits[order[i]] - best) / options.temperature());
        }
        Set<Integer> kept = new java.util.LinkedHashSet<>();
        double sum = 0;
        for (int i = 0; i < count; i++) {
            double weight = Math.exp((logits[order[i]] - best) / options.temperature());
            if (weight < options.minP() || sum >= options.topP() * mass * (1 + 1e-12)) {
                break;
            }
            kept.add(order[i]);
            sum += weight;
        }
        return kept;
    }

    @Test
    void logitsThatAreNoNumbersAndSettingsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> new Sampler(Sampling.GREEDY, 0, NONE)
                        .next(new float[] {Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY}))
                .hasMessageContaining("HT-932");
        assertThatThrownBy(() -> sampling(-1, 0, 1, 0)).hasMessageContaining("HT-931 temperature");
        assertThatThrownBy(() -> sampling(1, -1, 1, 0)).hasMessageContaining("HT-931 top_k");
        assertThatThrownBy(() -> sampling(1, 0, 0, 0)).hasMessageContaining("HT-931 top_p");
        assertThatThrownBy(() -> sampling(1, 0, 1, Double.NaN)).hasMessageContaining("HT-931 min_p");
    }
}
