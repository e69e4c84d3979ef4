package dev.halftone.recipe;

import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Sequences;
import dev.halftone.recipe.QuantizationResult.ExpertCoverage;
import dev.halftone.recipe.QuantizationResult.ReconstructionReport;
import dev.halftone.recipe.QuantizationResult.TransformReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a run has finished: the tensors of each block, the activations behind the last one, and a manifest that is replaced in
 * one move when both are whole. A killed run goes on from there.
 */
final class WorkDirectory {
    private static final int SCHEMA = 3;
    private static final String MANIFEST = "manifest.json";

    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private final Path root;

    /**
     * How far a run has come.
     *
     * @param key of everything that the result depends on
     * @param blocks finished ones
     * @param packing config.json's section of the packed weights so far
     */
    record Manifest(
            int schema,
            String key,
            int blocks,
            boolean fellBack,
            List<TransformReport> transforms,
            List<ReconstructionReport> reconstructions,
            List<ExpertCoverage> experts,
            List<SiteReport> sites,
            ObjectNode packing) {
        Manifest(
                String key,
                int blocks,
                boolean fellBack,
                List<TransformReport> transforms,
                List<ReconstructionReport> reconstructions,
                List<ExpertCoverage> experts,
                List<SiteReport> sites,
                ObjectNode packing) {
            this(
                    SCHEMA,
                    key,
                    blocks,
                    fellBack,
                    List.copyOf(transforms),
                    List.copyOf(reconstructions),
                    List.copyOf(experts),
                    List.copyOf(sites),
                    packing);
        }
    }

    WorkDirectory(Path root) {
        this.root = root;
    }

    Path path() {
        return root;
    }

    /** Forgets what an earlier run left. */
    void begin() throws IOException {
        delete();
        Files.createDirectories(root);
    }

    /**
     * What an earlier run left; empty if there is nothing.
     *
     * @throws InputException HT-435 if it was another run
     */
    Optional<Manifest> resume(String key) throws IOException {
        Path file = root.resolve(MANIFEST);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        Manifest manifest;
        try {
            manifest = JSON.readValue(file.toFile(), Manifest.class);
        } catch (JacksonException e) {
            throw new InputException(
                    "HT-435", file.toString(), "cannot be read: " + e.getOriginalMessage(), "run without --resume");
        }
        if (manifest.schema() != SCHEMA || !manifest.key().equals(key)) {
            throw new InputException(
                    "HT-435",
                    root.toString(),
                    "belongs to a run with another model, recipe, calibration or version",
                    "give the arguments of that run, or run without --resume to begin anew");
        }
        return Optional.of(manifest);
    }

    /** Adds a block, and the activations behind it. */
    void finish(Manifest manifest, List<StoredPart> parts, @Nullable Sequences quantized, @Nullable Sequences original)
            throws IOException {
        int index = manifest.blocks() - 1;
        ModelWriter.writeFile(blockFile(index), parts);
        save(quantized, "quantized", index);
        save(original, "original", index);
        conclude(manifest);
        for (String stream : List.of("quantized", "original")) {
            Files.deleteIfExists(stream(stream, index - 1));
        }
    }

    /** Says that the blocks of the manifest are there. */
    void conclude(Manifest manifest) throws IOException {
        Path fresh = root.resolve(MANIFEST + ".new");
        Files.writeString(fresh, text(manifest));
        Files.move(fresh, root.resolve(MANIFEST), StandardCopyOption.ATOMIC_MOVE);
    }

    /** A manifest as it is stored. */
    static String text(Manifest manifest) {
        return JSON.writeValueAsString(manifest);
    }

    /** Reads what {@link #text} gave. */
    static Manifest manifest(String text) {
        return JSON.readValue(text, Manifest.class);
    }

    /** Adds the tensors of a block that was solved alone; several attempts may add the same ones at the same time. */
    void put(int index, List<StoredPart> parts, String attempt) throws IOException {
        Path fresh = fresh(blockFile(index), attempt);
        ModelWriter.writeFile(fresh, parts);
        place(fresh, blockFile(index));
    }

    /** Products of a shard's inputs of a stage. */
    Path products(int block, int stage, int shard) {
        return root.resolve("products-%05d-%d-%05d.f32".formatted(block, stage, shard));
    }

    /** Residual streams of a shard behind a block of the original model. */
    Path shardStream(int shard, int block) {
        return root.resolve("shard-%05d-%05d.f32".formatted(shard, block));
    }

    /** Where an attempt writes a file that others may be writing too. */
    Path fresh(Path file, String attempt) {
        return file.resolveSibling(file.getFileName() + attempt + ".new");
    }

    /** Gives a file that is whole its name: all attempts have the same bytes. */
    static void place(Path fresh, Path file) throws IOException {
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private void save(@Nullable Sequences sequences, String name, int block) throws IOException {
        if (sequences != null) {
            sequences.save(stream(name, block));
        }
    }

    /** Puts the activations behind the last finished block back. */
    void restore(Manifest manifest, @Nullable Sequences quantized, @Nullable Sequences original) throws IOException {
        if (quantized != null) {
            quantized.restore(stream("quantized", manifest.blocks() - 1));
        }
        if (original != null) {
            original.restore(stream("original", manifest.blocks() - 1));
        }
    }

    private Path stream(String name, int block) {
        return root.resolve("%s-%05d.f32".formatted(name, block));
    }

    /** The tensors of a finished block; the caller closes it. */
    SafetensorsFile block(int index) {
        return SafetensorsFile.open(blockFile(index));
    }

    private Path blockFile(int index) {
        return root.resolve("block-%05d.safetensors".formatted(index));
    }

    void delete() throws IOException {
        if (Files.exists(root)) {
            try (Stream<Path> paths = Files.walk(root)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
