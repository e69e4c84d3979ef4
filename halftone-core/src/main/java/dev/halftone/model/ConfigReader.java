package dev.halftone.model;

import dev.halftone.error.InputException;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Typed access to a config.json, with errors that name the key. */
final class ConfigReader {
    private static final int LARGEST = 1 << 26;
    private final JsonNode config;
    private final Set<String> tensors;
    private final String place;

    ConfigReader(JsonNode config, Set<String> tensors, String place) {
        this.config = config;
        this.tensors = tensors;
        this.place = place;
    }

    int positive(String key) {
        JsonNode node = config.path(key);
        if (node.isMissingNode() || node.isNull()) {
            throw error("\"%s\" is missing", key);
        }
        return positive(node, key);
    }

    int positive(String key, int absent) {
        JsonNode node = config.path(key);
        return node.isMissingNode() || node.isNull() ? absent : positive(node, key);
    }

    private int positive(JsonNode node, String key) {
        if (!node.isIntegralNumber() || !node.canConvertToInt() || node.asInt() < 1 || node.asInt() > LARGEST) {
            throw error("\"%s\" is %s; expected a whole number from 1 to %d", key, node, LARGEST);
        }
        return node.asInt();
    }

    double number(String key, double absent) {
        return number(config, key, absent);
    }

    private double number(JsonNode parent, String key, double absent) {
        JsonNode node = parent.path(key);
        if (node.isMissingNode() || node.isNull()) {
            return absent;
        }
        double value = node.isNumber() ? node.asDouble() : Double.NaN;
        if (!(value > 0) || Double.isInfinite(value)) {
            throw error("\"%s\" is %s; expected a positive number", key, node);
        }
        return value;
    }

    boolean flag(String key, boolean absent) {
        JsonNode node = config.path(key);
        if (node.isMissingNode() || node.isNull()) {
            return absent;
        }
        if (!node.isBoolean()) {
            throw error("\"%s\" is %s; expected true or false", key, node);
        }
        return node.asBoolean();
    }

    String string(String key, String absent) {
        JsonNode node = config.path(key);
        return node.isString() ? node.asString() : absent;
    }

    /** The second prefix if the checkpoint has a tensor of that name below it, else the first. */
    String prefix(String usual, String other, String tensor) {
        return tensors.contains(other + tensor) && !tensors.contains(usual + tensor) ? other : usual;
    }

    Activation activation(String key, String absent) {
        String name = string(key, absent);
        return switch (name) {
            case "silu", "swish" -> Activation.SILU;
            case "gelu" -> Activation.GELU;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
            case "relu" -> Activation.RELU;
            default -> throw error("\"%s\" is \"%s\"; known are silu, gelu, gelu_new, relu", key, name);
        };
    }

    /** Both spellings: {@code rope_scaling} with {@code rope_theta} beside it, and {@code rope_parameters}. */
    Rope rope(int dim, double absentTheta, int contextLength) {
        JsonNode newer = config.path("rope_parameters");
        JsonNode scaling = newer.isObject() ? newer : config.path("rope_scaling");
        double theta = number(newer, "rope_theta", number("rope_theta", absentTheta));
        String type = scaling.path("rope_type").asString(scaling.path("type").asString("default"));
        double factor = number(scaling, "factor", 1);
        int trained = (int) number(scaling, "original_max_position_embeddings", contextLength);
        return new Rope(
                dim,
                theta,
                switch (type) {
                    case "default" -> new Rope.None();
                    case "linear" -> new Rope.Linear(factor);
                    case "dynamic" -> new Rope.Dynamic(factor, contextLength);
                    case "llama3" ->
                        new Rope.Llama3(
                                factor,
                                number(scaling, "low_freq_factor", 1),
                                number(scaling, "high_freq_factor", 4),
                                trained);
                    case "yarn" ->
                        new Rope.Yarn(
                                factor,
                                number(scaling, "attention_factor", 0.1 * Math.log(factor) + 1),
                                number(scaling, "beta_fast", 32),
                                number(scaling, "beta_slow", 1),
                                trained);
                    case "factors" -> new Rope.Factors(divisors(scaling.path("factors"), dim / 2));
                    default ->
                        throw error(
                                "rope scaling type is \"%s\"; known are default, linear, dynamic, llama3, yarn, factors",
                                type);
                });
    }

    private double[] divisors(JsonNode list, int count) {
        if (!list.isArray() || list.size() != count) {
            throw error("\"factors\" of the rope scaling has %d entries; expected %d", list.size(), count);
        }
        double[] result = new double[count];
        for (int i = 0; i < count; i++) {
            result[i] = list.get(i).asDouble();
            check(result[i] > 0, "\"factors\" of the rope scaling holds %s; expected positive numbers", list.get(i));
        }
        return result;
    }

    void check(boolean holds, String message, Object... arguments) {
        if (!holds) {
            throw error(message, arguments);
        }
    }

    private InputException error(String message, Object... arguments) {
        return new InputException(
                "HT-302", place, message.formatted(arguments).strip(), "compare config.json with the original model's");
    }
}
