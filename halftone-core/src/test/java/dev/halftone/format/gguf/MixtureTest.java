package dev.halftone.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.checkpoint.GgufType;
import dev.halftone.error.InputException;
import dev.halftone.format.gguf.Mixture.Place;
import dev.halftone.format.gguf.Mixture.Role;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What llama-quantize of 2026 gives to a llama of 32 layers, width 4096, MLP 14336, 32 heads and 8 key heads. */
class MixtureTest {
    private static GgufType type(String mixture, Role role, int layer, boolean importance) {
        int columns = role == Role.DOWN ? 14336 : 4096;
        return Mixture.named(mixture, "").type(new Place(role, layer, 32, columns, 4, importance));
    }

    @ParameterizedTest
    @CsvSource({
        "Q4_K_M, VALUE, 3, Q6_K",
        "Q4_K_M, VALUE, 4, Q4_K",
        "Q4_K_M, DOWN, 6, Q6_K",
        "Q4_K_M, DOWN, 31, Q6_K",
        "Q4_K_M, HEAD, 0, Q6_K",
        "Q4_K_M, QUERY, 0, Q4_K",
        "Q4_K_S, VALUE, 3, Q5_K",
        "Q4_K_S, VALUE, 4, Q4_K",
        "Q4_K_S, DOWN, 3, Q5_K",
        "Q5_K_M, DOWN, 9, Q6_K",
        "Q3_K_M, VALUE, 1, Q5_K",
        "Q3_K_M, VALUE, 2, Q4_K",
        "Q3_K_M, DOWN, 1, Q5_K",
        "Q3_K_M, DOWN, 2, Q4_K",
        "Q3_K_M, ATTENTION_OUTPUT, 9, Q4_K",
        "Q3_K_L, ATTENTION_OUTPUT, 9, Q5_K",
        "Q2_K, VALUE, 9, Q4_K",
        "Q2_K, ATTENTION_OUTPUT, 9, Q3_K",
        "Q2_K, GATE, 9, Q2_K",
        "IQ4_NL, VALUE, 9, Q5_K",
        "IQ4_NL, DOWN, 0, Q5_K",
        "Q8_0, HEAD, 0, Q8_0",
        "TQ1_0, EMBEDDING, 0, Q4_K",
        "BF16, HEAD, 0, BF16",
    })
    void everyTensorHasLlamaQuantizesType(String mixture, Role role, int layer, GgufType expected) {
        assertThat(type(mixture, role, layer, false)).isEqualTo(expected);
    }

    @Test
    void importanceChangesTheFirstLayersOfSomeMixtures() {
        assertThat(type("Q4_0", Role.DOWN, 3, true)).isEqualTo(GgufType.Q4_1);
        assertThat(type("Q4_0", Role.DOWN, 4, true)).isEqualTo(GgufType.Q4_0);
        assertThat(type("Q4_0", Role.DOWN, 3, false)).isEqualTo(GgufType.Q4_0);
        assertThat(type("IQ4_NL", Role.DOWN, 0, true)).isEqualTo(GgufType.IQ4_NL);
    }

    @ParameterizedTest
    @CsvSource({
        "Q2_K, 96, Q4_0",
        "Q4_K_S, 96, Q5_0",
        "Q5_K_S, 96, Q5_1",
        "Q6_K, 96, Q8_0",
        "Q4_0, 80, F16",
        "Q4_K_S, 80, F16"
    })
    void widthsThatBlocksDoNotFillFallBack(String mixture, int columns, GgufType expected) {
        Place place = new Place(Role.QUERY, 9, 32, columns, 1, false);
        assertThat(Mixture.named(mixture, "").type(place)).isEqualTo(expected);
    }

    @Test
    void unknownNamesAreRefused() {
        assertThatThrownBy(() -> Mixture.named("Q9_X", "--format"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-681")
                .hasMessageContaining("Q4_K_M");
    }
}
