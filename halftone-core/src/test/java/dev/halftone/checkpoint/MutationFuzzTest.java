package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.halftone.Mutations;
import dev.halftone.error.InputException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files either open and decode, or are refused with an InputException; nothing else, and without much memory. */
class MutationFuzzTest {
    private static final int MUTANTS = Integer.getInteger("halftone.fuzz.mutants", 2000);
    private static final long SEED = Long.getLong("halftone.fuzz.seed", 1);
    private static final long MOST_ALLOCATED = 32L << 20;

    @TempDir
    private Path directory;

    @Test
    void mutants_of_safetensors_files_are_read_or_refused() throws Exception {
        byte[] all = Files.readAllBytes(Bytes.resource("dtypes.safetensors"));
        byte[] small = Bytes.safetensors(
                        "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F16\",\"shape\":[2,1],\"data_offsets\":[0,4]},"
                                + "\"y\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[4,5]}}",
                        new byte[5])
                .toArray();
        fuzz(List.of(all, small), file -> {
            try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                decodeAll(opened.names().stream().map(opened::tensor).toList());
            }
        });
    }

    @Test
    void mutants_of_gguf_files_are_read_or_refused() throws Exception {
        byte[] model = Bytes.gguf(2, 7)
                .key("general.architecture", "llama")
                .key("llama.context_length", 64)
                .key("llama.embedding_length", 32)
                .key("llama.block_count", 1)
                .key("llama.feed_forward_length", 6)
                .key("llama.attention.head_count", 2)
                .key("llama.attention.layer_norm_rms_epsilon", 1e-6f)
                .tensor("blk.0.attn_q.weight", 8, 0, 32, 32)
                .tensor("rope_freqs.weight", 0, 32 * 34, 8)
                .pad(32)
                .zeros(32 * 34)
                .f32(1, 1, 1, 1, 1, 1, 1, 1)
                .toArray();
        List<byte[]> seeds = new ArrayList<>(List.of(model));
        for (String name : List.of("golden.gguf", "metadata.gguf", "blocks.gguf")) {
            seeds.add(Files.readAllBytes(Bytes.resource(name)));
        }
        fuzz(seeds, file -> {
            try (GgufFile opened = GgufFile.open(file)) {
                decodeAll(opened.names().stream().map(opened::tensor).toList());
            }
            try (GgufCheckpoint opened = GgufCheckpoint.open(file)) {
                decodeAll(opened.names().stream().map(opened::tensor).toList());
                assertThat(opened.config().toString()).isNotEmpty();
            }
        });
    }

    @FunctionalInterface
    private interface Reading {
        void read(Path file);
    }

    private void fuzz(List<byte[]> seeds, Reading reading) throws Exception {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
        ThreadMXBean memory = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Path file = directory.resolve("mutant");
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = Mutations.bytes(seeds.get(i % seeds.size()), random);
            Files.write(file, mutant);
            long before = memory.getCurrentThreadAllocatedBytes();
            try {
                reading.read(file);
            } catch (InputException e) {
                refused++;
                assertThat(e.getMessage()).matches("HT-2\\d\\d .*");
            } catch (RuntimeException | Error e) {
                Path kept = Files.write(Files.createTempFile("halftone-mutant", ".bin"), mutant);
                throw new AssertionError("mutant %d of seed %d, kept in %s".formatted(i, SEED, kept), e);
            }
            assertThat(memory.getCurrentThreadAllocatedBytes() - before)
                    .as("bytes allocated for mutant %d of seed %d", i, SEED)
                    .isLessThan(MOST_ALLOCATED);
        }
        assertThat(refused).as("mutants refused").isGreaterThan(MUTANTS / 4);
    }

    /** Tensors may be large in name only (rows without elements): those are not decoded row by row. */
    private static void decodeAll(List<StoredTensor> tensors) {
        for (StoredTensor tensor : tensors) {
            assertThat(tensor.byteSize()).isLessThan(1 << 20);
            TensorHealth.scan(tensor);
            if (tensor.elements() > 0) {
                TensorBytes.decode(tensor);
            }
        }
    }
}
