package dev.halftone.reconstruct;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Sequences in random order, each as often as every other but for one. */
final class SequenceOrder {
    private final List<Integer> all;
    private final Random random;
    private int at;

    SequenceOrder(int count, long seed) {
        this.all = new ArrayList<>(IntStream.range(0, count).boxed().toList());
        this.random = new Random(seed);
        this.at = count;
    }

    int[] next(int count) {
        int[] batch = new int[count];
        for (int i = 0; i < count; i++) {
            if (at == all.size()) {
                Collections.shuffle(all, random);
                at = 0;
            }
            batch[i] = all.get(at++);
        }
        return batch;
    }
}
