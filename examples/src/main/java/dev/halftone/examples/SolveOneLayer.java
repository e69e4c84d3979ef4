package dev.halftone.examples;

import dev.halftone.calibration.Gram;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.format.StoredWeight;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.recipe.Recipes;
import dev.halftone.solver.Solution;
import dev.halftone.solver.SolvedWeight;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/** Solves one weight without a model: W and the second moments of its inputs come from a file, the rounded W goes into another. */
public final class SolveOneLayer {
    private SolveOneLayer() {}

    /**
     * Arguments: LAYER.safetensors RECIPE OUT.safetensors THREADS ROUNDS. LAYER holds {@code weight} (out, in) and {@code hessian}
     * (in, in), sum of x x^T / tokens; of the recipe the first step counts. Prints the seconds of each round, and of comparing
     * the result with rounding to nearest.
     */
    public static void main(String[] args) throws IOException {
        WeightStep step = Recipes.open(args[1]).steps().getFirst();
        int rounds = Integer.parseInt(args[4]);
        try (Workers workers = new Workers(Integer.parseInt(args[3]))) {
            for (int round = 1; round <= rounds; round++) {
                // Read anew: a solver keeps the factor of the last H.
                WeightProblem problem = read(Path.of(args[0]));
                long start = System.nanoTime();
                Solution solution = step.solver().find(problem, step.format(), workers);
                System.out.printf("seconds %.3f%n", (System.nanoTime() - start) / 1e9);
                if (round == rounds) {
                    report(solution, workers);
                    write(Path.of(args[2]), solution.packed(), problem);
                }
            }
        }
    }

    private static void report(Solution solution, Workers workers) {
        long start = System.nanoTime();
        SolvedWeight solved = solution.withEvidence(workers);
        System.out.printf("evidence %.3f s%n", (System.nanoTime() - start) / 1e9);
        System.out.printf("loss %s of tr(W H W^T), events %s%n", solved.proxyLoss(), solved.events());
    }

    /** A weight and its H; more tokens than inputs are assumed. */
    static WeightProblem read(Path layer) {
        try (SafetensorsFile file = SafetensorsFile.open(layer)) {
            StoredTensor weight = file.tensor("weight");
            int out = Math.toIntExact(weight.rows());
            int in = Math.toIntExact(weight.columns());
            float[] hessian = floats(file.tensor("hessian"));
            double[] h = new double[hessian.length];
            for (int i = 0; i < h.length; i++) {
                h[i] = hessian[i];
            }
            return new WeightProblem("layer", floats(weight), out, in, new Gram(in, 4L * in, h));
        }
    }

    /** A tensor of a file, row-major. */
    static float[] floats(Path path, String name) {
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            return floats(file.tensor(name));
        }
    }

    private static float[] floats(StoredTensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        tensor.decode(0, tensor.rows(), MemorySegment.ofArray(values));
        return values;
    }

    /** The values that the packed weight stands for. */
    static void write(Path out, StoredWeight packed, WeightProblem problem) throws IOException {
        float[] values = packed.decode();
        byte[] bytes = new byte[values.length * Float.BYTES];
        MemorySegment target = MemorySegment.ofArray(bytes);
        MemorySegment.copy(values, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values.length);
        long[] shape = {problem.out(), problem.in()};
        ModelWriter.writeFile(out, List.of(new StoredPart("weight", SafetensorsDtype.F32, shape, target)));
    }
}
