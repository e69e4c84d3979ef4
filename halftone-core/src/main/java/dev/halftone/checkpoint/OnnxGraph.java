package dev.halftone.checkpoint;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The graph of an ONNX model: operators, and tensors with their values. Source: onnx/onnx, onnx.proto, whose field numbers these
 * are; all other fields are skipped.
 *
 * @param nodes in the order of the file, which is an order in which they can run
 * @param initializers tensors that are stored, by name
 */
record OnnxGraph(List<Node> nodes, Map<String, Value> initializers) {
    private static final int MODEL_GRAPH = 7;
    private static final int GRAPH_NODE = 1;
    private static final int GRAPH_INITIALIZER = 5;
    private static final int NODE_INPUT = 1;
    private static final int NODE_OUTPUT = 2;
    private static final int NODE_NAME = 3;
    private static final int NODE_OPERATOR = 4;
    private static final int NODE_ATTRIBUTE = 5;
    private static final int ATTRIBUTE_TENSOR = 5;
    private static final int TENSOR_DIMENSION = 1;
    private static final int TENSOR_TYPE = 2;
    private static final int TENSOR_NAME = 8;
    private static final int TENSOR_BYTES = 9;
    private static final int TENSOR_EXTERNAL = 13;

    /** Exporters align nothing, and libtorch reads tensors where they lie. */
    private static final int ALIGNMENT = 64;

    /**
     * An operator.
     *
     * @param name such as "/encoder/layer.0/output/dense/MatMul"
     * @param value of a constant
     */
    record Node(
            String name,
            String operator,
            List<String> inputs,
            List<String> outputs,
            @Nullable Value value) {}

    /**
     * A tensor.
     *
     * @param type the number that onnx.proto gives it
     * @param bytes little-endian; empty where the file keeps the values in fields of their own
     * @param external the values are in another file
     */
    record Value(String name, int type, long[] shape, MemorySegment bytes, boolean external) {}

    /** A part of the message that is read with the rest of it unread. */
    @FunctionalInterface
    private interface Fields {
        /** Reads the field or says that it does not know it. */
        boolean read(int field) throws IOException;
    }

    /** @param arena keeps the tensors' values */
    static OnnxGraph read(InputStream stream, Arena arena) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(stream);
        in.setSizeLimit(Integer.MAX_VALUE);
        OnnxGraph graph = new OnnxGraph(new ArrayList<>(), new LinkedHashMap<>());
        fields(in, field -> {
            if (field == MODEL_GRAPH) {
                message(in, inner -> graph.field(inner, in, arena));
                return true;
            }
            return false;
        });
        return graph;
    }

    private boolean field(int field, CodedInputStream in, Arena arena) throws IOException {
        switch (field) {
            case GRAPH_NODE -> nodes.add(node(in, arena));
            case GRAPH_INITIALIZER -> {
                Value value = value(in, arena);
                initializers.put(value.name(), value);
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private static void message(CodedInputStream in, Fields fields) throws IOException {
        int limit = in.pushLimit(in.readRawVarint32());
        fields(in, fields);
        in.popLimit(limit);
    }

    private static void fields(CodedInputStream in, Fields fields) throws IOException {
        for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
            if (!fields.read(WireFormat.getTagFieldNumber(tag)) && !in.skipField(tag)) {
                throw new InvalidProtocolBufferException("a group ends that did not begin");
            }
        }
    }

    private static Node node(CodedInputStream in, Arena arena) throws IOException {
        List<String> inputs = new ArrayList<>();
        List<String> outputs = new ArrayList<>();
        String[] names = {"", ""};
        @Nullable Value[] value = new @Nullable Value[1];
        message(in, field -> {
            switch (field) {
                case NODE_INPUT -> inputs.add(in.readString());
                case NODE_OUTPUT -> outputs.add(in.readString());
                case NODE_NAME -> names[0] = in.readString();
                case NODE_OPERATOR -> names[1] = in.readString();
                case NODE_ATTRIBUTE ->
                    message(in, inner -> {
                        if (inner == ATTRIBUTE_TENSOR) {
                            value[0] = value(in, arena);
                            return true;
                        }
                        return false;
                    });
                default -> {
                    return false;
                }
            }
            return true;
        });
        return new Node(names[0], names[1], List.copyOf(inputs), List.copyOf(outputs), value[0]);
    }

    private static Value value(CodedInputStream in, Arena arena) throws IOException {
        List<Long> shape = new ArrayList<>();
        String[] name = {""};
        int[] type = {0};
        MemorySegment[] bytes = {MemorySegment.NULL};
        boolean[] external = {false};
        message(in, field -> {
            switch (field) {
                case TENSOR_DIMENSION -> shape.add(in.readInt64());
                case TENSOR_TYPE -> type[0] = in.readInt32();
                case TENSOR_NAME -> name[0] = in.readString();
                case TENSOR_BYTES -> bytes[0] = aligned(in.readByteArray(), arena);
                case TENSOR_EXTERNAL -> {
                    external[0] = true;
                    return false;
                }
                default -> {
                    return false;
                }
            }
            return true;
        });
        long[] dimensions = shape.stream().mapToLong(Long::longValue).toArray();
        return new Value(name[0], type[0], dimensions, bytes[0], external[0]);
    }

    private static MemorySegment aligned(byte[] bytes, Arena arena) {
        return arena.allocate(bytes.length, ALIGNMENT).copyFrom(MemorySegment.ofArray(bytes));
    }

    /** The operators by the names of what they make. */
    Map<String, Node> makers() {
        Map<String, Node> makers = new HashMap<>();
        nodes.forEach(node -> node.outputs().forEach(output -> makers.put(output, node)));
        return makers;
    }

    /** The operators of that kind by their names. */
    Map<String, Node> named(String operator) {
        return nodes.stream()
                .filter(node -> node.operator().equals(operator))
                .collect(Collectors.toMap(Node::name, Function.identity(), (first, _) -> first, LinkedHashMap::new));
    }

    /** A tensor that a graph computes nothing for: a constant operator's, or a stored one. */
    Optional<Value> constant(String name, Map<String, Node> makers) {
        Node maker = makers.get(name);
        return Optional.ofNullable(maker == null ? initializers.get(name) : maker.value());
    }
}
