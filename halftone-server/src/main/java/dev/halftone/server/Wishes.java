package dev.halftone.server;

import dev.halftone.error.InputException;
import dev.halftone.runtime.generate.Sampling;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * What both kinds of completion read alike.
 *
 * @param choices answers to each prompt
 * @param usage true if a stream ends with the token counts
 */
record Wishes(Sampling sampling, List<String> stops, int choices, boolean stream, boolean usage) {
    private static final int MOST_CHOICES = 128;
    private static final int MOST_STOPS = 64;
    private static final int MOST_BIASES = 1024;
    private static final int BIAS = 100;

    static Wishes read(Parameters p, long absentSeed) {
        List<String> stops = p.strings("stop");
        if (stops.size() > MOST_STOPS || stops.contains("")) {
            throw Parameters.wrong("stop", "expected at most %d strings, none empty".formatted(MOST_STOPS));
        }
        boolean stream = p.flag("stream");
        JsonNode options = p.node("stream_options");
        if (!options.isMissingNode() && (!stream || !options.isObject())) {
            throw Parameters.wrong("stream_options", "expected an object, and \"stream\": true");
        }
        p.ignore("user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key");
        return new Wishes(
                sampling(p, absentSeed),
                stops,
                p.integer("n", 1, 1, MOST_CHOICES),
                stream,
                options.path("include_usage").asBoolean(false));
    }

    /** OpenAI's defaults, and the further settings of vLLM and llama.cpp by their names. */
    private static Sampling sampling(Parameters p, long absentSeed) {
        try {
            return new Sampling(
                    p.number("temperature", 1),
                    p.integer("top_k", 0, 0, Integer.MAX_VALUE),
                    p.number("top_p", 1),
                    p.number("min_p", 0),
                    p.number("repetition_penalty", 1),
                    p.number("frequency_penalty", 0),
                    p.number("presence_penalty", 0),
                    bias(p.node("logit_bias")),
                    p.wide("seed", absentSeed));
        } catch (InputException e) {
            String message = String.valueOf(e.getMessage());
            int colon = message.indexOf(": ");
            String key = message.substring(e.code().length() + 1, colon);
            throw new ApiError(ApiError.BAD_REQUEST, e.code(), key, message.substring(colon + 2));
        }
    }

    private static Map<Integer, Double> bias(JsonNode node) {
        if (node.isMissingNode()) {
            return Map.of();
        }
        if (!node.isObject() || node.size() > MOST_BIASES) {
            throw Parameters.wrong("logit_bias", "expected an object of at most %d tokens".formatted(MOST_BIASES));
        }
        Map<Integer, Double> bias = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            double value = entry.getValue().asDouble(Double.NaN);
            if (!entry.getKey().matches("[0-9]{1,8}") || !entry.getValue().isNumber() || Math.abs(value) > BIAS) {
                throw Parameters.wrong("logit_bias", "expected token ids with numbers of -100 to 100");
            }
            bias.put(Integer.valueOf(entry.getKey()), value);
        }
        return bias;
    }
}
