package dev.halftone.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackedWeightTest {
    @ParameterizedTest
    @CsvSource({"2, 16", "3, 8", "3, 64", "4, 32", "5, 8", "6, 16", "7, 8", "8, 32", "4, -1"})
    void unpackingGivesExactlyTheValuesThatWerePacked(int bits, int group) {
        for (boolean symmetric : new boolean[] {false, true}) {
            IntGroup format = new IntGroup(bits, group, symmetric);
            int out = 5;
            int in = 192;
            RandomGenerator random =
                    RandomGeneratorFactory.of("L64X128MixRandom").create(bits);
            byte[] codes = new byte[out * in];
            float[] scales = new float[out * format.groups(in)];
            byte[] zeros = new byte[scales.length];
            for (int i = 0; i < codes.length; i++) {
                codes[i] = (byte) random.nextInt(format.largest() + 1);
            }
            for (int g = 0; g < scales.length; g++) {
                scales[g] = Float.float16ToFloat(Float.floatToFloat16(random.nextFloat()));
                zeros[g] = (byte) (symmetric ? format.middle() : random.nextInt(format.largest() + 1));
            }
            PackedWeight packed =
                    PackedWeight.of(format, out, in, new GridCodes(codes, scales, zeros, new float[0], 1, new int[0]));
            float[] decoded = packed.decode();
            int perGroup = format.groupIn(in);
            for (int i = 0; i < codes.length; i++) {
                int g = i / in * format.groups(in) + i % in / perGroup;
                assertThat(decoded[i]).isEqualTo(((codes[i] & 0xff) - (zeros[g] & 0xff)) * scales[g]);
            }
            assertThat(format.bitsPerWeight(out, in)).isEqualTo(8.0 * packed.byteSize() / (out * in));
        }
    }

    @Test
    void bitsPerWeightAreTheKnownOnes() {
        assertThat(new IntGroup(4, 128, true).bitsPerWeight(1, 4096)).isEqualTo(4.125);
        assertThat(new IntGroup(4, 128, false).bitsPerWeight(1, 4096)).isEqualTo(4.15625);
        assertThat(new IntGroup(2, 64, false).bitsPerWeight(1, 4096)).isEqualTo(2.28125);
    }

    @Test
    void bitsOutsideTwoToEightAreRefused() {
        assertThatThrownBy(() -> new IntGroup(1, 64, false))
                .isInstanceOf(InputException.class)
                .hasMessage("HT-401 format has 1 bits; allowed are 2 to 8");
    }
}
