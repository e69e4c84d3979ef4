package dev.halftone.runtime;

import dev.halftone.model.Rope;
import java.util.Arrays;

/** cos and sin of the rotary angles of the positions seen so far, each (positions, half); grows as sequences do. */
final class RotaryTable {
    private final Rope rope;
    private final int half;
    private double[] frequencies;
    private float[] cos = {};
    private float[] sin = {};
    private int positions;

    RotaryTable(Rope rope) {
        this.rope = rope;
        this.frequencies = rope.inverseFrequencies(0);
        this.half = frequencies.length;
    }

    Rope rope() {
        return rope;
    }

    /** Pairs that turn. */
    int half() {
        return half;
    }

    float[] cos() {
        return cos;
    }

    float[] sin() {
        return sin;
    }

    /** True if the angles of a position depend on the length of its sequence. */
    boolean dependsOnLength() {
        return switch (rope.scaling()) {
            case Rope.Dynamic _, Rope.LongRope _ -> true;
            case Rope.None _, Rope.Linear _, Rope.Llama3 _, Rope.Yarn _, Rope.Factors _ -> false;
        };
    }

    /** Makes the table right for a sequence of that many tokens. */
    void reach(int length) {
        if (dependsOnLength()) {
            double[] now = rope.inverseFrequencies(length);
            if (!Arrays.equals(now, frequencies)) {
                frequencies = now;
                positions = 0;
            }
        }
        if (length <= positions) {
            return;
        }
        int from = positions;
        positions = Math.max(length, Math.max(256, 2 * positions));
        cos = Arrays.copyOf(cos, Math.multiplyExact(positions, half));
        sin = Arrays.copyOf(sin, positions * half);
        for (int p = from; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                double angle = p * frequencies[i];
                cos[p * half + i] = (float) (Math.cos(angle) * rope.attention());
                sin[p * half + i] = (float) (Math.sin(angle) * rope.attention());
            }
        }
    }
}
