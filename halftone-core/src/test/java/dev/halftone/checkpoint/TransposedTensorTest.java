package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.MappedTensor.Encoding;
import dev.halftone.checkpoint.MappedTensor.RowOrder;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class TransposedTensorTest {
    private static final int OUT = 5;
    private static final int IN = 64;

    private static MappedTensor floats() {
        ByteBuffer bytes = ByteBuffer.allocate(4 * OUT * IN).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < OUT * IN; i++) {
            bytes.putFloat(i);
        }
        return tensor(GgufType.F32, bytes);
    }

    /** Blocks of 32 codes of 8 bits with scale 1. */
    private static MappedTensor blocks() {
        ByteBuffer bytes = ByteBuffer.allocate(OUT * IN / 32 * 34).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < OUT * IN; i++) {
            if (i % 32 == 0) {
                bytes.putShort((short) 0x3C00);
            }
            bytes.put((byte) (i * 37));
        }
        return tensor(GgufType.Q8_0, bytes);
    }

    private static MappedTensor tensor(GgufType type, ByteBuffer bytes) {
        return new MappedTensor(
                "w", Encoding.of(type), new long[] {OUT, IN}, MemorySegment.ofBuffer(bytes.rewind()), RowOrder.SAME);
    }

    @Test
    void everyRangeOfRowsHoldsTheColumnsOfTheFile() {
        for (MappedTensor file : new MappedTensor[] {floats(), blocks()}) {
            TransposedTensor turned = new TransposedTensor(file);
            assertThat(turned.shape()).containsExactly(IN, OUT);
            assertThat(turned.mustDecode()).isTrue();
            float[] stored = TensorBytes.decode(file);
            for (int from = 0; from <= IN; from++) {
                for (int to : new int[] {from, Math.min(IN, from + 1), Math.min(IN, from + 33), IN}) {
                    float[] part = TensorBytes.decode(turned, from, to);
                    assertThat(part).hasSize((to - from) * OUT);
                    for (int i = 0; i < part.length; i++) {
                        assertThat(part[i]).isEqualTo(stored[i % OUT * IN + from + i / OUT]);
                    }
                }
            }
        }
    }

    @Test
    void theHealthScanCountsRowsOfTheModelAndNotOfTheFile() {
        TensorHealth health = TensorHealth.scan(new TransposedTensor(blocks()));
        assertThat(health.elements()).isEqualTo(OUT * IN);
        assertThat(health.firstZeroRow()).isEqualTo(-1);
        ByteBuffer bytes = ByteBuffer.allocate(4 * OUT * IN).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < OUT * IN; i++) {
            bytes.putFloat(4 * i, i % IN == 7 ? 0 : i == 3 * IN + 9 ? Float.NaN : 1);
        }
        TensorHealth damaged = TensorHealth.scan(new TransposedTensor(tensor(GgufType.F32, bytes)));
        assertThat(damaged.firstZeroRow()).isEqualTo(7);
        assertThat(damaged.firstNonFiniteRow()).isEqualTo(9);
    }

    @Test
    void rowsBeyondTheEndAreRefused() {
        TransposedTensor turned = new TransposedTensor(floats());
        assertThatThrownBy(() -> turned.decode(0, IN + 1, MemorySegment.ofArray(new float[OUT * (IN + 1)])))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
