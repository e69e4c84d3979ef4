package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * libtorch's meta device has shapes but no memory, and refuses to mix with host tensors: what is not moved to the device fails
 * here, on a machine without a GPU. Embedding, norms and the fused attention have no meta kernel in libtorch.
 */
class ComputeDeviceTest {
    private static final Compute META =
            new Compute(ComputeType.BFLOAT16, ComputeType.BFLOAT16, new ComputeDevice("meta", 0));

    @BeforeAll
    static void load() {
        Torch.load();
    }

    @Test
    void causalAttentionStaysOnTheDevice() {
        Torch.inScope(() -> {
            Tensor q = META.cast(Tensors.of(new float[4 * 300 * 8], 4, 300, 8));
            Tensor k = META.cast(Tensors.of(new float[2 * 300 * 8], 2, 300, 8));
            Tensor out = CausalAttention.of(q, k, k, 0.5, 0, null);
            assertThat(out.device().is_meta()).isTrue();
            assertThat(out.size(1)).isEqualTo(300);
        });
    }

    @Test
    void positionsTurnOnTheDevice() {
        Rope rope = new Rope(8, 10_000, new Rope.None());
        Torch.inScope(() -> {
            try (RopeTable table = RopeTable.of(rope, new int[] {0, 1, 2}, 3, META)) {
                Tensor x = META.cast(Tensors.of(new float[2 * 3 * 8], 2, 3, 8));
                assertThat(table.apply(x).device().is_meta()).isTrue();
            }
        });
    }

    @Test
    void linearsStayOnTheDeviceInMixedPrecision() {
        Compute mixed = new Compute(ComputeType.FLOAT32, ComputeType.BFLOAT16, META.device());
        Torch.inScope(() -> {
            Tensor x = mixed.cast(Tensors.of(new float[6], 2, 3));
            Tensor weight = mixed.cast(Tensors.of(new float[12], 4, 3));
            Tensor y = Decoder.linear(x, weight, null, mixed.products());
            assertThat(y.device().is_meta()).isTrue();
            assertThat(y.scalar_type().intern()).isEqualTo(torch.ScalarType.Float);
        });
    }

    @Test
    void unknownDeviceIsRefused() {
        for (String name : new String[] {"gpu", "cuda:", "cuda:-1", "cpu:1", "meta", ""}) {
            assertThatThrownBy(() -> ComputeDevice.named(name))
                    .as(name)
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-623");
        }
        assertThat(ComputeDevice.named("cpu")).isEqualTo(ComputeDevice.CPU);
    }

    @Test
    void missingDeviceIsSaidBeforeTheWork() {
        assumeThat(torch.cuda_is_available()).isFalse();
        assertThatThrownBy(() -> ComputeDevice.named("cuda:0"))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("HT-504")
                .hasMessageContaining("--device cpu");
    }
}
