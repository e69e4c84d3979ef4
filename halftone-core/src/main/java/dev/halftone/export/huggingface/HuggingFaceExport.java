package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputRounding;
import dev.halftone.format.KeptTensor;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import dev.halftone.format.StoredWeight;
import dev.halftone.model.Decoder;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a quantized model as a directory that Python engines open. The directory appears whole, after it was read back and every
 * packed weight found equal, bit for bit, to what was measured. What no linear of a block holds is written as plain numbers.
 */
public final class HuggingFaceExport {
    private static final String SECTION = "quantization_config";

    /** Files beside the weights that engines read and Halftone does not change. */
    private static final List<String> COMPANIONS =
            List.of("generation_config.json", "special_tokens_map.json", "chat_template.jinja");

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * What was written.
     *
     * @param format the layout, with its version where there are several
     * @param equal packed weights that were read back with the values that the source has
     * @param decoded packed tensors that became plain numbers, because the layout packs linears of blocks alone
     */
    public record Written(String format, int equal, int decoded, long bytes) {}

    private final ModelFile model;
    private final @Nullable Layout layout;
    private final Map<String, PackedWeight> packed = new LinkedHashMap<>();
    private final List<String> plain = new ArrayList<>();
    private int decoded;

    private HuggingFaceExport(ModelFile model, String format) {
        this.model = model;
        for (LinearSite site : Decoder.linears(model.spec())) {
            Optional<PackedWeight> weight = model.packedWeight(site.weight());
            if (weight.isPresent()) {
                packed.put(site.module(), weight.get());
            } else {
                plain.add(site.module());
            }
        }
        plain.add("lm_head");
        this.layout = layout(format);
    }

    /** The formats that {@link #write} knows. */
    public static List<String> formats() {
        return List.of("compressed-tensors", "gptq", "gptq:v1", "gptq:v2", "awq", "safetensors");
    }

    /**
     * Writes the directory.
     *
     * @param format one of {@link #formats}; "gptq" is version 1 where that can store all zero points, else 2
     * @param directory must not be there, or be empty
     * @throws InputException HT-690 to HT-693
     */
    public static Written write(ModelFile model, String format, Path directory) {
        HuggingFaceExport export = new HuggingFaceExport(model, format);
        export.check();
        Path target = directory.toAbsolutePath().normalize();
        try (Stream<Path> entries = Files.isDirectory(target) ? Files.list(target) : Stream.empty()) {
            if (entries.findAny().isPresent() || Files.isRegularFile(target)) {
                throw new InputException(
                        "HT-693", directory.toString(), "is there already and not empty", "choose another --out");
            }
        } catch (IOException e) {
            throw new InputException("HT-693", directory.toString(), "cannot be read: " + e, "choose another --out");
        }
        Path staging = target.resolveSibling("." + target.getFileName() + ".export");
        try {
            delete(staging);
            Files.createDirectories(staging);
            export.assemble(staging);
            Written written = export.readBack(staging);
            Files.deleteIfExists(target);
            Files.move(staging, target, StandardCopyOption.ATOMIC_MOVE);
            return written;
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-502",
                    directory.toString(),
                    "cannot be written: " + e,
                    "free some space, or choose another --out");
        } finally {
            cleanUp(staging);
        }
    }

    private @Nullable Layout layout(String format) {
        return switch (format) {
            case "compressed-tensors" ->
                model.inputs() instanceof InputRounding inputs
                        ? new CompressedTensors(dtype().equals("float32"), inputs)
                        : new CompressedTensors(dtype().equals("float32"));
            case "gptq" ->
                new Gptq(
                        packed.entrySet().stream().allMatch(entry -> Gptq.first(entry.getKey(), entry.getValue()))
                                ? 1
                                : 2);
            case "gptq:v1" -> new Gptq(1);
            case "gptq:v2" -> new Gptq(2);
            case "awq" -> new Awq();
            case "safetensors" -> null;
            default ->
                throw new InputException(
                        "HT-690",
                        "--format",
                        "is \"" + format + "\"; known are gguf:TYPE, " + String.join(", ", formats()),
                        "");
        };
    }

    private String title() {
        return switch (layout) {
            case null -> "safetensors";
            case Gptq gptq -> "gptq:v" + gptq.version();
            case Awq _ -> "awq";
            case CompressedTensors _ -> "compressed-tensors";
        };
    }

    /** Everything that can be refused without writing. */
    private void check() {
        String place = model.path().toString();
        if (model.inputs() instanceof InputRounding inputs) {
            if (!inputs.formats().isEmpty() && !(layout instanceof CompressedTensors)) {
                throw new InputException(
                        "HT-691",
                        place,
                        "quantizes the inputs of its linears (%s), which the export would not say"
                                .formatted(inputs.formats()
                                        .values()
                                        .iterator()
                                        .next()
                                        .label()),
                        "use --format compressed-tensors, or a recipe for weights alone");
            }
            if (!inputs.scales().isEmpty()) {
                throw new InputException(
                        "HT-691",
                        place,
                        "divides the inputs of "
                                + inputs.scales().keySet().iterator().next()
                                + " while it runs, which no layout can say",
                        "transform only what a norm or a linear can absorb (targets of the transform step)");
            }
        }
        if (!model.cache().formats().isEmpty()) {
            throw new InputException(
                    "HT-691",
                    place,
                    "quantizes keys and values (%s), which the export would not say"
                            .formatted(model.cache().label()),
                    "quantize with a recipe for weights alone");
        }
        if (layout == null) {
            return;
        }
        for (LinearSite site : Decoder.linears(model.spec())) {
            Optional<StoredWeight> stored = model.storedWeight(site.weight());
            if (stored.isPresent() && !packed.containsKey(site.module())) {
                throw Layout.refused(
                        site.module(), "is stored as " + stored.get().format().label());
            }
        }
        if (packed.isEmpty()) {
            throw new InputException(
                    "HT-691", place, "has no packed linears", "quantize it first, or use --format safetensors");
        }
        for (LinearSite site : Decoder.linears(model.spec())) {
            if (site.inputMajor() && packed.containsKey(site.module())) {
                throw Layout.refused(
                        site.module(), "is a Conv1D of gpt2, which the readers of this layout do not quantize");
            }
        }
        layout.describe(JsonMapper.shared().createObjectNode(), packed, plain);
    }

    private void assemble(Path staging) throws IOException {
        List<StoredPart> parts = new ArrayList<>();
        Set<String> linears = new HashSet<>();
        try (Arena arena = Arena.ofShared()) {
            for (LinearSite site : Decoder.linears(model.spec())) {
                linears.add(site.weight());
            }
            for (Decoder.Expected tensor : Decoder.tensors(model.spec())) {
                String module = tensor.name().replaceFirst("\\.weight$", "");
                PackedWeight weight = linears.contains(tensor.name()) ? packed.get(module) : null;
                if (weight != null && layout != null) {
                    parts.addAll(layout.parts(module, weight));
                } else {
                    parts.add(plain(tensor, arena));
                }
            }
            ObjectNode config = model.checkpoint().config();
            config.remove(SECTION);
            config.put("torch_dtype", dtype());
            if (layout != null) {
                layout.describe(config.putObject(SECTION), packed, plain);
            }
            ModelWriter.writeModel(staging, parts);
            ModelWriter.writeJson(staging.resolve("config.json"), config);
            if (layout instanceof Gptq) {
                ModelWriter.writeJson(staging.resolve("quantize_config.json"), config.path(SECTION));
            }
        }
        companions(staging);
    }

    private StoredPart plain(Decoder.Expected tensor, Arena arena) {
        Optional<StoredWeight> weight = model.storedWeight(tensor.name());
        if (weight.isEmpty()) {
            return KeptTensor.plain(model.checkpoint().tensor(tensor.name()), arena);
        }
        decoded++;
        StoredWeight source = weight.get();
        // A packed weight is (out, in); some families store (in, out).
        boolean turned = tensor.shape()[0] != source.out() || tensor.shape()[1] != source.in();
        MemorySegment memory = arena.allocate((long) source.out() * source.in() * Float.BYTES, 64);
        float[] row = new float[source.in()];
        for (int i = 0; i < source.out(); i++) {
            source.decodeRow(i, row, 0);
            for (int j = 0; j < row.length; j++) {
                long at = turned ? (long) j * source.out() + i : (long) i * row.length + j;
                memory.set(FLOAT, at * Float.BYTES, row[j]);
            }
        }
        return new StoredPart(tensor.name(), SafetensorsDtype.F32, tensor.shape(), memory);
    }

    /** The type of the embedding as it is written. */
    private String dtype() {
        String embedding = Decoder.tensors(model.spec()).getFirst().name();
        if (model.packedWeight(embedding).isPresent()) {
            return "float32";
        }
        return switch (model.checkpoint().tensor(embedding).type()) {
            case "F16" -> "float16";
            case "BF16" -> "bfloat16";
            default -> "float32";
        };
    }

    private void companions(Path staging) throws IOException {
        try (TextTokenizer tokenizer = model.tokenizer()) {
            Files.write(staging.resolve("tokenizer.json"), tokenizer.toJson().getBytes(StandardCharsets.UTF_8));
            Files.write(
                    staging.resolve("tokenizer_config.json"),
                    tokenizer.configJson().getBytes(StandardCharsets.UTF_8));
        }
        for (String name : COMPANIONS) {
            Path file = model.path().resolve(name);
            if (Files.isRegularFile(file)) {
                Files.copy(file, staging.resolve(name));
            }
        }
    }

    /** Opens what was written as any reader would, and compares every packed weight. */
    private Written readBack(Path staging) throws IOException {
        int equal = 0;
        try (ModelFile written = ModelFile.open(staging)) {
            for (LinearSite site : Decoder.linears(model.spec())) {
                PackedWeight source = packed.get(site.module());
                if (source == null) {
                    continue;
                }
                if (!Arrays.equals(source.decode(), values(written, site))) {
                    throw new IllegalStateException(site.weight() + " was written with other values");
                }
                equal++;
            }
            checkInputs(written);
        }
        long bytes = 0;
        try (Stream<Path> files = Files.list(staging)) {
            for (Path file : files.filter(path -> path.toString().endsWith(".safetensors"))
                    .toList()) {
                bytes += Files.size(file);
            }
        }
        return new Written(title(), equal, decoded, bytes);
    }

    /** Inputs are quantized as they were, with scales that differ by rounding at most. */
    private void checkInputs(ModelFile written) {
        if (layout == null || !(model.inputs() instanceof InputRounding inputs)) {
            return;
        }
        InputRounding found =
                written.inputs() instanceof InputRounding rounding ? rounding : new InputRounding(Map.of());
        for (LinearSite site : Decoder.linears(model.spec())) {
            InputFormat expected = inputs.formats().get(site.weight());
            InputFormat read = found.formats().get(site.weight());
            if ((expected == null) != (read == null)
                    || (expected != null && read != null && !read.sameGrid(expected))) {
                throw new IllegalStateException(site.weight() + " was written with other inputs");
            }
        }
    }

    /** W (out, in) of what was written. */
    private static float[] values(ModelFile written, LinearSite site) {
        Optional<PackedWeight> found = written.packedWeight(site.weight());
        if (found.isPresent()) {
            return found.get().decode();
        }
        float[][] result = new float[1][];
        try (Arena arena = Arena.ofConfined()) {
            Torch.inScope(() -> result[0] = Tensors.floats(site.load(written.weights(), ComputeType.FLOAT32, arena)));
        }
        return result[0];
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private static void cleanUp(Path directory) {
        try {
            delete(directory);
        } catch (IOException e) {
            throw new ResourceException("HT-502", directory.toString(), "cannot be deleted: " + e, "delete it");
        }
    }
}
