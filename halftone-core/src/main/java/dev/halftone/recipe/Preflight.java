package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.TokenSample;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a run will need, from the shapes alone. Generous: a run that passes should not fail for want of memory or disk; mapped
 * files are not counted, the system takes them back.
 *
 * @param memory bytes of physical memory
 * @param disk bytes beside the output, the output among them
 */
record Preflight(long memory, long disk) {
    /** The JVM, libtorch and their buffers. */
    private static final long BASE = 700L << 20;

    /** Float32 copies of a weight that a solver and the packing hold, and float64 ones of H. */
    private static final int WEIGHT_COPIES = 6;

    private static final int GRAM_COPIES = 4;

    /** Float32 copies of a sample of tokens: itself, float64 ones of some, and errors of its outputs. */
    private static final int SAMPLE_COPIES = 4;

    /** Estimates a run. */
    static Preflight of(
            ModelFile model,
            QuantizationPlan plan,
            @Nullable CalibrationSet calibration,
            Compute compute,
            Spill.When spill,
            int threads) {
        DecoderSpec spec = model.spec();
        long type = compute.type().bytes();
        long block = 0;
        long inBlocks = 0;
        long largest = 0;
        long widest = 0;
        for (int layer = 0; layer < spec.layers(); layer++) {
            List<List<LinearSite>> stages = spec.stages(layer);
            long elements = 0;
            for (int stage = 0; stage < stages.size(); stage++) {
                widest = Math.max(widest, spec.width(layer, stage));
                for (LinearSite site : stages.get(stage)) {
                    long own = (long) site.out() * site.in();
                    elements += own;
                    largest = Math.max(largest, own);
                }
            }
            block = Math.max(block, elements);
            inBlocks += elements;
        }
        long all = 0;
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            all += model.weights().storedBytes(tensor.name());
        }
        long outside = model.parameters() - inBlocks;
        long memory = BASE + largest * Float.BYTES * WEIGHT_COPIES;
        // Blocks on disk, and the model assembled from them: never more than the original, whose blocks may all be
        // kept.
        long disk = 2 * all;
        if (!plan.gradients().isEmpty()) {
            // A block runs with a graph, beside its gradient and the sums of their magnitudes.
            memory += outside * type + block * (type + 2L * Float.BYTES);
        }
        if (calibration != null) {
            // The original block stands beside the transformed one while it is looked at. The embedding is gone by
            // then, but not its memory, perhaps.
            memory += outside * type + block * type + (plan.twoStreams() ? block * Float.BYTES : 0);
            Spill stores = new Spill(Path.of(""), spill);
            long tokens = calibration.report().tokens();
            int streams = plan.twoStreams() ? 2 : 1;
            long residual = tokens * spec.hidden() * Float.BYTES;
            long inputs = tokens * widest * Float.BYTES;
            long longest = calibration.sequences().stream()
                    .mapToInt(ids -> ids.length)
                    .max()
                    .orElse(0);
            for (long store : new long[] {residual * streams, inputs, inputs}) {
                if (stores.inMemory(store)) {
                    memory += store;
                } else {
                    disk += store;
                }
            }
            // Each thread runs one sequence: the widest activations a few times over, and its scores.
            memory += threads
                    * longest
                    * (4 * widest * type + 128L * spec.attention().heads() * Float.BYTES);
            memory += widest * widest * Double.BYTES * GRAM_COPIES;
            if (plan.needsTokens()) {
                memory += TokenSample.tokens(tokens, (int) widest) * widest * Float.BYTES * SAMPLE_COPIES;
            }
            disk += 2L * streams * residual;
        }
        return new Preflight(memory, disk);
    }

    /**
     * Compares with what there is.
     *
     * @param beside where the output will be
     * @throws ResourceException HT-505, HT-506
     */
    void check(Path beside) {
        check(
                ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                        .getTotalMemorySize(),
                usable(beside),
                beside);
    }

    void check(long memoryThere, long diskThere, Path beside) {
        if (memory > memoryThere) {
            throw new ResourceException(
                    "HT-505",
                    "memory",
                    "the run would need about %.1f GB; this machine has %.1f GB"
                            .formatted(memory / 1e9, memoryThere / 1e9),
                    "use fewer --samples, --dtype bf16, or a machine with more");
        }
        if (disk > diskThere) {
            throw new ResourceException(
                    "HT-506",
                    beside.toString(),
                    "the run would need about %.1f GB of disk; %.1f GB are free".formatted(disk / 1e9, diskThere / 1e9),
                    "free some space, or choose an --out elsewhere");
        }
    }

    /** Free bytes of the file system that the path will be on; no limit where it does not tell. */
    private static long usable(Path beside) {
        Path existing = beside.toAbsolutePath();
        while (existing != null && !Files.exists(existing)) {
            existing = existing.getParent();
        }
        try {
            return existing == null
                    ? Long.MAX_VALUE
                    : Files.getFileStore(existing).getUsableSpace();
        } catch (IOException _) {
            return Long.MAX_VALUE;
        }
    }
}
