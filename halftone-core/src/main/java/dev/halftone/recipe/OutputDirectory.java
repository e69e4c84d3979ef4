package dev.halftone.recipe;

import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufMetadataFile;
import dev.halftone.format.CacheQuantization;
import dev.halftone.format.InputRounding;
import dev.halftone.format.KeptTensor;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.PackedCache;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredFormat;
import dev.halftone.format.StoredPart;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.model.Decoder;
import dev.halftone.recipe.QuantizationResult.Evidence;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where a run writes. Blocks go to a work directory beside the output as they are finished; the output directory appears only
 * when everything in it is whole.
 */
final class OutputDirectory {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private static final String EVIDENCE = "halftone.json";

    private final Path directory;
    private final WorkDirectory work;

    private OutputDirectory(Path directory) {
        this.directory = directory;
        this.work = new WorkDirectory(directory.resolveSibling("." + directory.getFileName() + ".halftone"));
    }

    /** The nearest directory above that is there must take new entries. */
    private static void checkParent(Path absolute, Path named) {
        Path above = absolute.getParent();
        while (above != null && !Files.exists(above)) {
            above = above.getParent();
        }
        if (above == null || (Files.isDirectory(above) && Files.isWritable(above))) {
            return;
        }
        String found = Files.isDirectory(above) ? "is not writable" : "is no directory";
        throw new InputException(
                "HT-434", named.toString(), "cannot be made: %s %s".formatted(above, found), "choose another --out");
    }

    /** Checks that the directory can be made; writes nothing. */
    static OutputDirectory prepare(Path directory) {
        Path absolute = directory.toAbsolutePath().normalize();
        if (Files.exists(absolute)) {
            try (Stream<Path> entries = Files.isDirectory(absolute) ? Files.list(absolute) : Stream.of(absolute)) {
                if (entries.findAny().isPresent()) {
                    throw new InputException(
                            "HT-434",
                            directory.toString(),
                            "is there already and not empty",
                            "choose another --out or delete it");
                }
            } catch (IOException e) {
                throw new InputException(
                        "HT-434", directory.toString(), "cannot be read: " + e, "choose another --out");
            }
        }
        if (absolute.getFileName() == null) {
            throw new InputException("HT-434", directory.toString(), "is no place for a model", "choose another --out");
        }
        checkParent(absolute, directory);
        return new OutputDirectory(absolute);
    }

    /** What a finished run wrote about itself; empty if the directory holds no such thing. */
    static Optional<Evidence> finished(Path directory) {
        Path file = directory.resolve(EVIDENCE);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(JSON.readValue(file.toFile(), Evidence.class));
        } catch (JacksonException e) {
            throw new InputException(
                    "HT-434", file.toString(), "cannot be read: " + e.getOriginalMessage(), "choose another --out");
        }
    }

    /** Where finished blocks wait. */
    WorkDirectory work() {
        return work;
    }

    /** The model while it is being assembled. */
    Path staging() {
        return work.path().resolve("model");
    }

    /** Writes config, tokenizer and all tensors: the packed ones of the blocks, and what the recipe leaves alone. */
    void assemble(
            ModelFile model,
            Map<String, StoredFormat> formats,
            Map<String, BlockLayout> layouts,
            InputRounding inputs,
            CacheQuantization cache) {
        List<SafetensorsFile> blocks = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            Files.createDirectories(staging());
            Map<String, StoredTensor> solved = new LinkedHashMap<>();
            for (int i = 0; i < model.spec().layers(); i++) {
                SafetensorsFile file = work.block(i);
                blocks.add(file);
                file.names().forEach(name -> solved.put(name, file.tensor(name)));
            }
            Map<String, StoredFormat> all = new LinkedHashMap<>();
            List<StoredPart> parts = new ArrayList<>();
            for (Decoder.Expected tensor : Decoder.tensors(model.spec())) {
                StoredFormat format = formats.get(tensor.name());
                if (format != null) {
                    all.put(tensor.name(), format);
                    for (String part : PackedLayout.suffixes()) {
                        StoredTensor stored = solved.get(tensor.name() + part);
                        if (stored != null) {
                            parts.add(new StoredPart(
                                    stored.name(),
                                    SafetensorsDtype.valueOf(stored.type()),
                                    stored.shape(),
                                    stored.bytes()));
                        }
                    }
                } else if (layouts.containsKey(tensor.name())) {
                    parts.add(KeptTensor.plain(
                            Objects.requireNonNull(solved.get(tensor.name() + PackedBlocks.SUFFIX)), arena));
                } else if (solved.containsKey(tensor.name())) {
                    parts.add(KeptTensor.plain(solved.get(tensor.name()), arena));
                } else {
                    keep(model.checkpoint().tensor(tensor.name()), all, parts, arena);
                }
            }
            ObjectNode config = model.checkpoint().config();
            PackedLayout.describe(config, all, inputs);
            PackedBlocks.describe(config, layouts);
            PackedCache.describe(config, cache);
            solved.values().stream()
                    .filter(stored -> PackedLayout.ofInputs(stored.name()))
                    .map(stored -> KeptTensor.plain(stored, arena))
                    .forEach(parts::add);
            ModelWriter.writeModel(staging(), parts);
            ModelWriter.writeJson(staging().resolve("config.json"), config);
            if (model.checkpoint() instanceof GgufCheckpoint source) {
                GgufMetadataFile.write(source, staging());
            }
            try (TextTokenizer tokenizer = model.tokenizer()) {
                write("tokenizer.json", tokenizer.toJson());
                write("tokenizer_config.json", tokenizer.configJson());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } finally {
            blocks.forEach(SafetensorsFile::close);
        }
    }

    private static void keep(
            StoredTensor tensor, Map<String, StoredFormat> formats, List<StoredPart> parts, Arena arena) {
        Optional<PackedWeight> packed = KeptTensor.packed(tensor);
        if (packed.isPresent()) {
            formats.put(tensor.name(), packed.get().format());
            parts.addAll(PackedLayout.parts(tensor.name(), packed.get()));
        } else {
            parts.add(KeptTensor.plain(tensor, arena));
        }
    }

    private void write(String name, String text) throws IOException {
        Files.write(staging().resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds the evidence, and gives the model its name. */
    void finish(Evidence evidence) {
        try {
            write(EVIDENCE, JSON.writeValueAsString(evidence) + "\n");
            Files.deleteIfExists(directory);
            Files.move(staging(), directory, StandardCopyOption.ATOMIC_MOVE);
            work.delete();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String toString() {
        return directory.toString();
    }
}
