package dev.halftone.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SampleTest {
    @Test
    void theOrderOfMergingDoesNotChangeTheSample() {
        List<Sample> shards = shards(40, 3000);
        Sample inOrder = merged(shards);
        Collections.shuffle(shards, new Random(9));
        Sample pairs = merged(List.of(merged(shards.subList(0, 17)), merged(shards.subList(17, 40))));
        assertThat(pairs.sorted()).isEqualTo(inOrder.sorted());
        assertThat(pairs.level()).isEqualTo(inOrder.level());
        assertThat(inOrder.sorted().length).isBetween(300, 1000);
    }

    @Test
    void everyValueHasTheSameChance() {
        // Values rise from shard to shard: a sample that prefers early or late ones has another median.
        Sample all = merged(shards(40, 3000));
        assertThat(all.quantile(0.5)).isCloseTo(60_000, within(6000.0));
        assertThat(all.quantile(0.1)).isCloseTo(12_000, within(5000.0));
        assertThat(all.quantile(0.9)).isCloseTo(108_000, within(5000.0));
        assertThat(all.sorted().length * Math.scalb(1.0, all.level())).isCloseTo(120_000, within(20_000.0));
    }

    @Test
    void aSmallStreamIsKeptWhole() {
        Sample sample = new Sample(1000);
        sample.add(new float[] {3, Float.NaN, 1, 2}, 0, 4, new Random(1));
        assertThat(sample.sorted()).containsExactly(1, 2, 3);
        assertThat(new Sample(0).quantile(0.5)).isZero();
    }

    private static Sample merged(List<Sample> samples) {
        Sample sum = new Sample(1000);
        samples.forEach(sum::merge);
        return sum;
    }

    private static List<Sample> shards(int count, int length) {
        List<Sample> shards = new ArrayList<>();
        for (int s = 0; s < count; s++) {
            float[] x = new float[length];
            for (int i = 0; i < length; i++) {
                x[i] = s * length + i;
            }
            Sample sample = new Sample(1000);
            sample.add(x, 0, length, new Random(s));
            shards.add(sample);
        }
        return shards;
    }
}
