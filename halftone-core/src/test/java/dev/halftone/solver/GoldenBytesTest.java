package dev.halftone.solver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.format.ClipSearch;
import dev.halftone.format.IntGroup;
import dev.halftone.format.PackedWeight;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The bytes that solvers gave when these recipes were first released: whoever quantized a model then gets the same file today.
 * The figures were taken before the formats were widened.
 */
class GoldenBytesTest {
    @ParameterizedTest
    @CsvSource({
        "rtn, minmax, 3, 32, false, false, 3157603303",
        "rtn, minmax, 4, 32, true, false, 223875376",
        "rtn, mse, 2, 16, false, false, 1396751325",
        "rtn, weighted, 3, 32, false, false, 3369803251",
        "rtn, weighted, 4, -1, true, false, 1960365229",
        "gptq, weighted, 3, 32, false, true, 2462954115",
        "gptq, minmax, 4, 32, true, true, 1994482186",
        "gptq, mse, 4, 32, false, false, 1061811550",
        "gptq, weighted, 8, -1, false, true, 3084854412",
        "gptq, minmax, 5, 16, false, false, 3552988448",
    })
    void theBytesAreThoseOfTheFirstRelease(
            String method, String search, int bits, int group, boolean symmetric, boolean actOrder, long expected) {
        ClipSearch named = ClipSearch.named(search, "");
        WeightSolver solver =
                method.equals("rtn") ? new Rtn(named) : new Gptq(new Gptq.Options(named, actOrder, actOrder, 0.01));
        WeightProblem problem = Layers.problem(21, 24, Layers.correlated(22, 160));
        try (Workers workers = new Workers(1)) {
            PackedWeight packed = Layers.packed(solver.solve(problem, new IntGroup(bits, group, symmetric), workers));
            assertThat(checksum(packed)).isEqualTo(expected);
        }
    }

    private static long checksum(PackedWeight packed) {
        CRC32 sum = new CRC32();
        for (MemorySegment part : new MemorySegment[] {packed.codes(), packed.scales(), packed.zeros()}) {
            sum.update(part.toArray(ValueLayout.JAVA_BYTE));
        }
        return sum.getValue();
    }
}
