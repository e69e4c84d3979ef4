package dev.halftone.model;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

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

    /** What stands below a key, with the family's values where it says nothing. */
    ConfigReader below(String key, Map<String, Integer> defaults) {
        if (!(config.path(key) instanceof ObjectNode found)) {
            throw error("\"%s\" is missing", key);
        }
        ObjectNode inner = found.deepCopy();
        defaults.forEach((name, value) -> {
            if (!inner.has(name)) {
                inner.put(name, value);
            }
        });
        return new ConfigReader(inner, tensors, place);
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

    /** Under the first of these keys that is there. */
    int positive(List<String> keys) {
        for (String key : keys) {
            if (has(key)) {
                return positive(key);
            }
        }
        throw error("\"%s\" is missing", String.join("\" or \"", keys));
    }

    boolean has(String key) {
        JsonNode node = config.path(key);
        return !node.isMissingNode() && !node.isNull();
    }

    /** A whole number from 0 on. */
    int count(String key, int absent) {
        JsonNode node = config.path(key);
        return node.isIntegralNumber() && node.asInt() == 0 ? 0 : positive(key, absent);
    }

    /** A list of whole numbers; empty where there is none. */
    List<Integer> numbers(String key) {
        List<Integer> all = new ArrayList<>();
        for (JsonNode node : config.path(key)) {
            check(node.isIntegralNumber(), "\"%s\" holds %s; expected whole numbers", key, node);
            all.add(node.asInt());
        }
        return all;
    }

    /** A list of strings; empty where there is none. */
    List<String> strings(String key) {
        List<String> all = new ArrayList<>();
        for (JsonNode node : config.path(key)) {
            all.add(node.asString(""));
        }
        return all;
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

    /** The share of a head's dimensions that is turned, under any of its keys. */
    double rotated(double absent) {
        double named = number("partial_rotary_factor", number("rotary_pct", absent));
        return number(config.path("rope_parameters"), "partial_rotary_factor", named);
    }

    /** Both spellings: {@code rope_scaling} with {@code rope_theta} beside it, and {@code rope_parameters}. */
    Rope rope(int dim, double absentTheta, int contextLength) {
        JsonNode newer = config.path("rope_parameters");
        JsonNode scaling = newer.isObject() ? newer : config.path("rope_scaling");
        return rope(scaling, dim, number(newer, "rope_theta", number("rope_theta", absentTheta)), contextLength);
    }

    /** Of the layers of one type, whose parameters newer files keep below its name in {@code rope_parameters}. */
    Rope rope(String layerType, int dim, double absentTheta, int contextLength) {
        JsonNode own = config.path("rope_parameters").path(layerType);
        return rope(own, dim, number(own, "rope_theta", absentTheta), contextLength);
    }

    boolean ropePerLayerType() {
        return config.path("rope_parameters").path("full_attention").isObject();
    }

    private Rope rope(JsonNode scaling, int dim, double theta, int contextLength) {
        String type = scaling.path("rope_type").asString(scaling.path("type").asString("default"));
        double factor = number(scaling, "factor", 1);
        int trained = (int) number(
                scaling, "original_max_position_embeddings", number("original_max_position_embeddings", contextLength));
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
                    case "longrope", "su" -> longRope(scaling, dim, trained, contextLength);
                    case "factors" -> new Rope.Factors(divisors(scaling, "factors", dim / 2));
                    default ->
                        throw error(
                                "rope scaling type is \"%s\"; known are default, linear, dynamic, llama3, yarn, longrope, factors",
                                type);
                });
    }

    private Rope.LongRope longRope(JsonNode scaling, int dim, int trained, int contextLength) {
        double grown = number(scaling, "factor", (double) contextLength / trained);
        double attention = grown <= 1 ? 1 : Math.sqrt(1 + Math.log(grown) / Math.log(trained));
        return new Rope.LongRope(
                new Rope.Factors(divisors(scaling, "short_factor", dim / 2)),
                new Rope.Factors(divisors(scaling, "long_factor", dim / 2)),
                number(scaling, "attention_factor", attention),
                trained);
    }

    private double[] divisors(JsonNode scaling, String key, int count) {
        JsonNode list = scaling.path(key);
        if (!list.isArray() || list.size() != count) {
            throw error("\"%s\" of the rope scaling has %d entries; expected %d", key, list.size(), count);
        }
        double[] result = new double[count];
        for (int i = 0; i < count; i++) {
            result[i] = list.get(i).asDouble();
            check(result[i] > 0, "\"%s\" of the rope scaling holds %s; expected positive numbers", key, list.get(i));
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
