package dev.halftone.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.solver.WeightProblem;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SolveOneLayerTest {
    private static final int SIZE = 32;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void theExampleRuns() throws IOException {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        float[] weight = new float[SIZE * SIZE];
        float[] hessian = new float[SIZE * SIZE];
        for (int i = 0; i < SIZE * SIZE; i++) {
            weight[i] = (float) random.nextGaussian();
            hessian[i] = i % (SIZE + 1) == 0 ? 2 : 0.5f;
        }
        Path layer = directory.resolve("layer.safetensors");
        ModelWriter.writeFile(layer, List.of(part("weight", weight), part("hessian", hessian)));
        Path out = directory.resolve("out.safetensors");
        SolveOneLayer.main(new String[] {layer.toString(), "gptq-w4g16", out.toString(), "2", "1"});
        WeightProblem before = SolveOneLayer.read(layer);
        float[] rounded = SolveOneLayer.floats(out, "weight");
        double squared = 0;
        for (int i = 0; i < weight.length; i++) {
            squared += Math.pow(before.weight()[i] - rounded[i], 2) / weight.length;
        }
        assertThat(before.weight()).isEqualTo(weight);
        assertThat(squared).isBetween(1e-4, 0.1);
    }

    private static StoredPart part(String name, float[] values) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[values.length * Float.BYTES]);
        MemorySegment.copy(values, 0, bytes, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        return new StoredPart(name, SafetensorsDtype.F32, new long[] {SIZE, SIZE}, bytes);
    }
}
