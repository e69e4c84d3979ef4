package dev.halftone.runtime.generate;

import dev.halftone.error.InputException;
import java.util.Map;

/**
 * How the next token is chosen from a model's logits. The order is that of transformers' generate: penalties and bias on the
 * logits, then division by the temperature, then {@code topK}, {@code topP} and {@code minP}, each on what the one before left.
 * (llama.cpp divides by the temperature last, so that its top-p sees other probabilities.)
 *
 * @param temperature 0: always the most probable token, the first of equals
 * @param topK so many of the most probable tokens; 0 for all
 * @param topP the fewest of the most probable tokens whose probabilities sum up to at least this; 1 for all
 * @param minP tokens with at least this share of the most probable one's probability; 0 for all
 * @param repetitionPenalty Keskar et al., arXiv:1909.05858: logits of tokens that the prompt or the answer has already are divided
 *     by it where they are positive, else multiplied; 1 for none
 * @param frequencyPenalty taken from a logit for each time that the answer has the token (OpenAI's definition)
 * @param presencePenalty taken once
 * @param bias added to the logits of these tokens
 * @param seed the choices of two generations with equal seeds, prompts and settings are equal
 */
public record Sampling(
        double temperature,
        int topK,
        double topP,
        double minP,
        double repetitionPenalty,
        double frequencyPenalty,
        double presencePenalty,
        Map<Integer, Double> bias,
        long seed) {
    /** The most probable token, always. */
    public static final Sampling GREEDY = new Sampling(0, 0, 1, 0, 1, 0, 0, Map.of(), 0);

    /** Checks the ranges: HT-931. */
    public Sampling {
        check("temperature", temperature, 0, 100);
        if (topK < 0) {
            throw outside("top_k", topK, "0 or more");
        }
        if (!(topP > 0 && topP <= 1)) {
            throw outside("top_p", topP, "more than 0, at most 1");
        }
        check("min_p", minP, 0, 1);
        if (!(repetitionPenalty > 0 && repetitionPenalty <= 100)) {
            throw outside("repetition_penalty", repetitionPenalty, "more than 0, at most 100");
        }
        check("frequency_penalty", frequencyPenalty, -2, 2);
        check("presence_penalty", presencePenalty, -2, 2);
        bias = Map.copyOf(bias);
    }

    private static void check(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw outside(name, value, "%s to %s".formatted(least, most));
        }
    }

    private static InputException outside(String name, double value, String expected) {
        return new InputException("HT-931", name, "is %s; expected %s".formatted(value, expected), "");
    }

    /** True if the logits are taken as they are. */
    boolean plain() {
        return repetitionPenalty == 1 && frequencyPenalty == 0 && presencePenalty == 0 && bias.isEmpty();
    }

    /** True if every token keeps a chance. */
    boolean untruncated(int vocabulary) {
        return (topK == 0 || topK >= vocabulary) && topP >= 1 && minP == 0;
    }
}
