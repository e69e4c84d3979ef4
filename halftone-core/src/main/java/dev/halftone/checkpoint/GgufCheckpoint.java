package dev.halftone.checkpoint;

import dev.halftone.checkpoint.MappedTensor.RowOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/**
 * A GGUF file of the llama family or of GPT-2 seen as a Hugging Face checkpoint: names, config.json's keys, the row order of q
 * and k, which arch {@code llama} stores with the halves of every head interleaved, and the linears of {@code gpt2}, which it
 * stores transposed. Source: llama.cpp, convert_hf_to_gguf.py and
 * gguf-py.
 */
public final class GgufCheckpoint implements Checkpoint {
    /** The architectures that can be read, and the class that config.json names for each. llama.cpp has none for OPT. */
    private static final Map<String, String> CLASSES = new TreeMap<>(Map.of(
            "gpt2", "GPT2LMHeadModel",
            "llama", "LlamaForCausalLM",
            "qwen2", "Qwen2ForCausalLM",
            "qwen3", "Qwen3ForCausalLM"));

    /** What GPT-2's Hugging Face layout stores as (in, out). */
    private static final Pattern INPUT_MAJOR =
            Pattern.compile("blk\\.\\d+\\.(attn_qkv|attn_output|ffn_up|ffn_down)\\.weight");

    private final GgufFile file;
    private final ObjectNode config;
    private final Map<String, StoredTensor> tensors;

    private GgufCheckpoint(GgufFile file, ObjectNode config, Map<String, StoredTensor> tensors) {
        this.file = file;
        this.config = config;
        this.tensors = Collections.unmodifiableMap(tensors);
    }

    /**
     * Maps and checks a GGUF model.
     *
     * @throws dev.halftone.error.InputException HT-220 to HT-229 for the file, HT-240 to HT-246 for the model in it
     */
    public static GgufCheckpoint open(Path path) {
        GgufFile file = GgufFile.open(path);
        try {
            return read(file);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private static GgufCheckpoint read(GgufFile file) {
        String architecture = architecture(file);
        if (file.metadata().get("split.count") instanceof Number parts && parts.longValue() > 1) {
            throw Findings.error(
                    "HT-245",
                    file.path().toString(),
                    "is one of %d parts of a model; one file expected".formatted(parts.longValue()),
                    "merge the parts with llama-gguf-split --merge");
        }
        GgufKeys keys = new GgufKeys(file, architecture);
        ObjectNode config = architecture.equals("gpt2")
                ? GgufGpt2Config.of(keys)
                : GgufConfig.of(keys, architecture, CLASSES.getOrDefault(architecture, ""));
        GgufNames names = GgufNames.of(architecture);
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (String name : file.names()) {
            if (name.equals(GgufConfig.ROPE_FACTORS)) {
                continue; // part of the config
            }
            String huggingFace = names.toHuggingFace(name);
            if (huggingFace == null) {
                throw Findings.error(
                        "HT-243",
                        file.path() + ": " + name,
                        "no such tensor in a dense model of architecture " + architecture,
                        "mixtures of experts and other variants cannot be read from GGUF: use the Hugging Face checkpoint");
            }
            MappedTensor tensor = (MappedTensor) file.tensor(name);
            MappedTensor named = tensor.as(huggingFace, rowOrder(file, architecture, config, tensor));
            boolean transposed = architecture.equals("gpt2")
                    && tensor.shape().length == 2
                    && INPUT_MAJOR.matcher(name).matches();
            tensors.put(huggingFace, transposed ? new TransposedTensor(named) : named);
        }
        return new GgufCheckpoint(file, config, tensors);
    }

    private static String architecture(GgufFile file) {
        Object architecture = file.metadata().get("general.architecture");
        if (architecture == null) {
            throw Findings.error(
                    "HT-241",
                    file.path().toString(),
                    "no metadata key general.architecture",
                    "convert the model again");
        }
        if (architecture instanceof String name && CLASSES.containsKey(name)) {
            return name;
        }
        throw Findings.error(
                "HT-240",
                file.path().toString(),
                "architecture '%s', known: %s"
                        .formatted(GgufKeys.show(architecture), String.join(", ", CLASSES.keySet())),
                "use the Hugging Face checkpoint of this model");
    }

    private static RowOrder rowOrder(GgufFile file, String architecture, ObjectNode config, StoredTensor tensor) {
        String name = tensor.name();
        boolean query = name.endsWith(".attn_q.weight") || name.endsWith(".attn_q.bias");
        boolean key = name.endsWith(".attn_k.weight") || name.endsWith(".attn_k.bias");
        if (!architecture.equals("llama") || !(query || key)) {
            return RowOrder.SAME;
        }
        int heads = config.get(query ? "num_attention_heads" : "num_key_value_heads")
                .intValue();
        int headSize = config.get("head_dim").intValue();
        long[] shape = tensor.shape();
        if (shape.length > 2 || headSize % 2 != 0 || shape[0] != (long) heads * headSize) {
            throw Findings.error(
                    "HT-246",
                    file.path() + ": " + name,
                    "shape %s, expected %d rows: %d heads of an even size, here %d"
                            .formatted(Tensors.show(shape), (long) heads * headSize, heads, headSize),
                    "convert the model again");
        }
        return new RowOrder(heads);
    }

    /** The file's key-value pairs, as {@link GgufFile#metadata()} gives them. */
    public Map<String, Object> metadata() {
        return file.metadata();
    }

    /** The same as they lie in the file, for writers that pass them on; gone when this is closed. */
    public Map<String, GgufValue> storedMetadata() {
        return file.storedMetadata();
    }

    @Override
    public Path path() {
        return file.path();
    }

    @Override
    public String format() {
        return "gguf";
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
        return List.of(file.path());
    }

    @Override
    public void close() {
        file.close();
    }
}
