package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.checkpoint.MappedTensor.Encoding;
import dev.halftone.checkpoint.MappedTensor.RowOrder;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class TensorHealthTest {
    private static StoredTensor tensor(RowOrder order, float[] values, long... shape) {
        return new MappedTensor(
                "t",
                Encoding.of(SafetensorsDtype.F32),
                shape,
                MemorySegment.ofArray(new Bytes().f32(values).toArray()),
                order);
    }

    @Test
    void counts_what_is_wrong_and_names_the_first_rows() {
        float nan = Float.NaN;
        float infinity = Float.POSITIVE_INFINITY;
        float[] values = {1, 2, 0, -0f, 3, nan, -infinity, infinity, 0, 0, -5, 4};
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, values, 6, 2)))
                .isEqualTo(new TensorHealth(12, 1, 2, 2, 0, 2, 1, -5, 4));
    }

    @Test
    void counts_groups_of_zeros_where_rows_are_whole_groups() {
        float[] values = new float[3 * 2 * TensorHealth.GROUP];
        values[0] = 1; // row 0: its second group is zero; row 1: both; row 2: none
        values[4 * TensorHealth.GROUP + 5] = 1;
        values[5 * TensorHealth.GROUP] = -2;
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, values, 3, 2 * TensorHealth.GROUP)))
                .isEqualTo(new TensorHealth(values.length, 0, 0, 1, 3, -1, 1, -2, 1));
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, values, 2, 3 * TensorHealth.GROUP))
                        .zeroGroups())
                .isEqualTo(3);
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, values, 64, 3)).zeroGroups())
                .isZero();
    }

    @Test
    void names_rows_in_hugging_face_order() {
        float[] values = {1, 0, 1, 1};
        assertThat(TensorHealth.scan(tensor(new RowOrder(1), values, 4, 1)).firstZeroRow())
                .isEqualTo(2);
        values[1] = Float.NaN;
        assertThat(TensorHealth.scan(tensor(new RowOrder(1), values, 4, 1)).firstNonFiniteRow())
                .isEqualTo(2);
    }

    @Test
    void finds_a_value_anywhere_in_rows_longer_than_a_chunk() {
        int columns = MappedTensor.CHUNK + 100;
        for (int at : new int[] {0, columns - 1, columns, 2 * columns + MappedTensor.CHUNK, 3 * columns - 1}) {
            float[] values = new float[3 * columns];
            values[at] = Float.NaN;
            TensorHealth health = TensorHealth.scan(tensor(RowOrder.SAME, values, 3, columns));
            assertThat(health.nan()).isEqualTo(1);
            assertThat(health.firstNonFiniteRow()).isEqualTo(at / columns);
            assertThat(health.zeroRows()).isEqualTo(2);
            assertThat(health.max()).isZero();
        }
    }

    @Test
    void has_nothing_to_say_about_an_empty_tensor_or_one_of_nan_only() {
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, new float[0], 1L << 60, 0)))
                .isEqualTo(new TensorHealth(0, 0, 0, 0, 0, -1, -1, Float.NaN, Float.NaN));
        assertThat(TensorHealth.scan(tensor(RowOrder.SAME, new float[] {Float.NaN})))
                .isEqualTo(new TensorHealth(1, 1, 0, 0, 0, 0, -1, Float.NaN, Float.NaN));
    }
}
