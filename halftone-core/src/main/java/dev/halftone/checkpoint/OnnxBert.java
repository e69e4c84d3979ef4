package dev.halftone.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.halftone.checkpoint.OnnxGraph.Node;
import dev.halftone.checkpoint.OnnxGraph.Value;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the graph of a BERT says, in config.json's keys: sizes from the stored tensors, the rest from operators as PyTorch's
 * exporter writes them. Key names are those of transformers' BertConfig.
 */
final class OnnxBert {
    private static final Pattern BLOCK = Pattern.compile("encoder\\.layer\\.(\\d+)\\.output\\.dense\\.bias");

    private final OnnxGraph graph;
    private final Map<String, Node> makers;
    private final String place;

    private OnnxBert(OnnxGraph graph, String place) {
        this.graph = graph;
        this.makers = graph.makers();
        this.place = place;
    }

    /** @throws dev.halftone.error.InputException HT-714 where the graph is another */
    static ObjectNode config(OnnxGraph graph, String place) {
        return new OnnxBert(graph, place).config();
    }

    private ObjectNode config() {
        long[] words = shape("embeddings.word_embeddings.weight", 2);
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.putArray("architectures").add("BertModel");
        config.put("model_type", "bert");
        config.put("vocab_size", words[0]);
        config.put("hidden_size", words[1]);
        config.put("max_position_embeddings", shape("embeddings.position_embeddings.weight", 2)[0]);
        config.put("type_vocab_size", shape("embeddings.token_type_embeddings.weight", 2)[0]);
        config.put("intermediate_size", shape("encoder.layer.0.intermediate.dense.bias", 1)[0]);
        config.put(
                "num_hidden_layers",
                graph.initializers().keySet().stream()
                        .filter(name -> BLOCK.matcher(name).matches())
                        .count());
        config.put("num_attention_heads", heads(words[1]));
        config.put("layer_norm_eps", epsilon());
        config.put("hidden_act", activation());
        config.put("torch_dtype", "float32");
        return config;
    }

    private long[] shape(String name, int dimensions) {
        Value value = graph.initializers().get(name);
        if (value == null || value.shape().length != dimensions) {
            throw missing("no tensor " + name + " of " + dimensions + " dimensions");
        }
        return value.shape();
    }

    /** From the shape (batch, tokens, heads, width of a head) that queries, keys and values are given; heads may be -1. */
    private long heads(long hidden) {
        for (Node node : graph.named("Reshape").values()) {
            long width = node.name().contains("/layer.0/attention/") ? lastOfFour(node) : 0;
            if (width > 0 && hidden % width == 0) {
                return hidden / width;
            }
        }
        throw missing("no reshape to the heads of block 0");
    }

    /** The last size of a shape of four that is put together; 0 for another shape. */
    private long lastOfFour(Node reshape) {
        Node shape = makers.get(reshape.inputs().getLast());
        if (shape == null
                || !shape.operator().equals("Concat")
                || shape.inputs().size() != 4) {
            return 0;
        }
        return graph.constant(shape.inputs().getLast(), makers)
                .filter(value -> value.bytes().byteSize() == Long.BYTES)
                .map(value -> value.bytes().get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN), 0))
                .orElse(0L);
    }

    /** What the norm behind the embedding adds under its root. */
    private double epsilon() {
        Node root = graph.named("Sqrt").get("/embeddings/LayerNorm/Sqrt");
        Node sum = root == null ? null : makers.get(root.inputs().getFirst());
        Optional<Value> added = sum == null || !sum.operator().equals("Add")
                ? Optional.empty()
                : sum.inputs().stream()
                        .flatMap(input -> graph.constant(input, makers).stream())
                        .filter(value -> value.bytes().byteSize() == Float.BYTES)
                        .findFirst();
        float epsilon = added.orElseThrow(() -> missing("no norm behind the embedding that can be read"))
                .bytes()
                .get(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN), 0);
        return Double.parseDouble(Float.toString(epsilon));
    }

    private String activation() {
        String inside = "/layer.0/intermediate/";
        if (uses("Erf", inside)) {
            return "gelu";
        }
        if (uses("Tanh", inside)) {
            return "gelu_new";
        }
        if (uses("Relu", inside)) {
            return "relu";
        }
        throw missing("no activation that is known (gelu, its tanh form, relu)");
    }

    private boolean uses(String operator, String inside) {
        return graph.named(operator).keySet().stream().anyMatch(name -> name.contains(inside));
    }

    private RuntimeException missing(String what) {
        return Findings.error(
                "HT-714",
                place,
                "the graph is not that of a BERT as PyTorch exports it: " + what,
                "use the Hugging Face checkpoint of this model");
    }
}
