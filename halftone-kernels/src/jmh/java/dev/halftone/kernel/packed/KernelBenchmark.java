package dev.halftone.kernel.packed;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Products of packed matrices on one thread: products a second, and beside them weights and bytes a second. The result is compared with
 * that of the scalar twin.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
        value = 3,
        jvmArgs = {"--add-modules=jdk.incubator.vector", "-Xms2g", "-Xmx2g"})
@Warmup(iterations = 4, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Thread)
public class KernelBenchmark {
    @Param({"F32", "BF16", "Q8_0", "Q6_K", "Q5_0", "Q5_K", "Q4_0", "Q4_1", "Q4_K", "Q3_K", "Q2_K", "MXFP4", "IQ4_NL"})
    BlockType type;

    /** Rows by columns. */
    @Param({"2048x2048", "2048x8192", "576x1536"})
    String shape;

    /** scalar, or the bits of a vector. */
    @Param({"scalar", "512"})
    String provider;

    @Param({"1"})
    int tokens;

    /** Matrices that take turns: many of them come from memory, one from the caches. */
    @Param({"1"})
    int copies;

    private final List<StoredMatrix> matrices = new ArrayList<>();
    private Arena arena;
    private float[] x;
    private float[] y;
    private ActivationRows inputs;
    private int next;

    /** What one product does. */
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    @State(Scope.Thread)
    public static class Work {
        public long weights;
        public long bytes;

        @Setup(Level.Iteration)
        public void clear() {
            weights = 0;
            bytes = 0;
        }
    }

    @Setup
    public void pack() {
        arena = Arena.ofConfined();
        TileKernels kernels =
                provider.equals("scalar") ? new ScalarTiles() : TileChoice.vector(Integer.parseInt(provider));
        for (int i = 0; i < copies; i++) {
            matrices.add(matrix(kernels));
        }
        StoredMatrix first = matrices.getFirst();
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(2);
        x = new float[tokens * first.columns()];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) random.nextGaussian();
        }
        y = new float[tokens * first.rows()];
        inputs = first.inputs(x, tokens);
    }

    private StoredMatrix matrix(TileKernels kernels) {
        int cross = shape.indexOf('x');
        int rows = Integer.parseInt(shape.substring(0, cross));
        int columns = Integer.parseInt(shape.substring(cross + 1));
        byte[] bytes = new byte[Math.toIntExact(rows * type.rowBytes(columns))];
        RandomGeneratorFactory.of("L64X128MixRandom").create(1).nextBytes(bytes);
        // Bytes below 0x50 make no number, FP16 or other, that is not finite.
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] &= 0x4F;
        }
        try (Arena source = Arena.ofConfined()) {
            MemorySegment blocks = source.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, blocks, ValueLayout.JAVA_BYTE, 0, bytes.length);
            return PackedMatrices.ofBlocks(kernels, type, blocks, rows, columns, arena, TileLoop.SEQUENTIAL);
        }
    }

    @Benchmark
    public float[] multiply(Work work) {
        StoredMatrix matrix = matrices.get(next);
        next = next + 1 == copies ? 0 : next + 1;
        matrix.multiply(inputs, y, matrix.rows(), 0, matrix.rows());
        work.weights += (long) matrix.rows() * matrix.columns() * tokens;
        work.bytes += matrix.bytes();
        return y;
    }

    @TearDown
    public void check() {
        float[] found = y.clone();
        StoredMatrix twin = matrix(new ScalarTiles());
        twin.multiply(twin.inputs(x, tokens), y, twin.rows(), 0, twin.rows());
        arena.close();
        if (!Arrays.equals(found, y)) {
            throw new IllegalStateException("not what the scalar twin gives");
        }
    }
}
