package dev.halftone.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The bytes that ggml's own quantizers make of the same rows; tools/fixtures/ggml_rows.c wrote them. */
class GoldenRowsTest {
    private static final int ROWS = 4;
    private static final int COLUMNS = 512;

    private int state = 20261126;

    private float uniform() {
        state = state * 1664525 + 1013904223;
        return (state >>> 8) / 16777216f;
    }

    private float[] values() {
        float[] x = new float[ROWS * COLUMNS];
        for (int i = 0; i < x.length; i++) {
            float sum = uniform() + uniform() + uniform() + uniform() - 2f;
            int row = i / COLUMNS;
            int run = i % COLUMNS / 16;
            x[i] = sum * (run % 5 == 3 ? 0.125f : 1f) * (row == 2 ? 0.015625f : 1f);
            if (i % 97 == 5) {
                x[i] *= 6f;
            }
            if (run == 7 || (row == 3 && run >= 16)) {
                x[i] = 0;
            }
            if (run == 9) {
                x[i] = 0.25f + 0.03125f * uniform();
            }
            if (run == 11) {
                x[i] = -0.5f;
            }
        }
        return x;
    }

    private float[] importance() {
        float[] importance = new float[COLUMNS];
        for (int j = 0; j < COLUMNS; j++) {
            float u = uniform();
            importance[j] = 0.01f + u * u * (j % 31 == 0 ? 40f : 1f);
        }
        return importance;
    }

    @Test
    void theBytesAreGgmls() throws IOException {
        byte[] golden;
        try (InputStream in = Objects.requireNonNull(getClass().getResourceAsStream("/gguf/ggml-rows.bin"))) {
            golden = in.readAllBytes();
        }
        float[] x = values();
        float[] importance = importance();
        int at = 0;
        for (BlockLayout layout : BlockLayout.values()) {
            for (float[] weights : new float[][] {null, importance}) {
                int size = layout.rowBytes(COLUMNS);
                for (int row = 0; row < ROWS; row++) {
                    BlockRow blocks = new BlockRow(layout, COLUMNS);
                    RowQuantizer.of(layout).quantize(x, row * COLUMNS, weights, blocks);
                    byte[] bytes = new byte[size];
                    BlockBytes.write(blocks, bytes, 0);
                    assertThat(bytes)
                            .as("%s row %d %s importance", layout, row, weights == null ? "without" : "with")
                            .isEqualTo(Arrays.copyOfRange(golden, at, at + size));
                    at += size;
                }
            }
        }
        assertThat(at).isEqualTo(golden.length);
    }
}
