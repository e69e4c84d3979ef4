package dev.halftone.export.gguf;

import dev.halftone.error.InputException;
import dev.halftone.model.Activation;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Order;
import dev.halftone.model.Rope;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An architecture of llama.cpp, and what it takes for granted: a file says no more than its keys, and llama.cpp computes the rest
 * as the family's published models do. Source: llama.cpp of 2026, src/models.
 *
 * @param name {@code general.architecture}
 * @param pairs rotary embedding turns neighbours (2i, 2i + 1) instead of halves
 * @param head what the head may be
 * @param activation of the MLP; its GELU is the tanh form for every family
 * @param features what else it can
 */
record Architecture(String name, boolean pairs, HeadKind head, Activation activation, Set<Feature> features) {
    /** Gemma 2 and 3 of 27B scale scores by the heads' share of the residual stream; llama.cpp knows them by their layers. */
    private static final Map<String, Integer> SCALED_BY_SHARE = Map.of("gemma2", 46, "gemma3", 62);

    /** From here on Command-R has norms of queries and keys. */
    private static final int COHERE_NORMED = 64;

    /** The head's own matrix. */
    enum HeadKind {
        EITHER,
        TIED,
        OWN
    }

    /** What a config may ask for. */
    enum Feature {
        /** Heads that are wider or narrower than their share of the residual stream. */
        WIDE_HEADS,
        /** Layers that see a window. */
        WINDOW,
        /** The chosen experts' weights are divided by their sum; without it they are not. */
        NORMALIZED_EXPERTS,
        /** The first layers have one MLP. */
        DENSE_FIRST
    }

    private static final Map<String, Architecture> BY_FAMILY = Map.ofEntries(
            llama("llama", "llama"),
            llama("mistral", "llama"),
            llama("mixtral", "llama"),
            half("qwen2", "qwen2", HeadKind.EITHER, Activation.SILU),
            half("qwen3", "qwen3", HeadKind.EITHER, Activation.SILU, Feature.WIDE_HEADS),
            half("gemma", "gemma", HeadKind.TIED, Activation.GELU_TANH, Feature.WIDE_HEADS),
            half("gemma2", "gemma2", HeadKind.TIED, Activation.GELU_TANH, Feature.WIDE_HEADS, Feature.WINDOW),
            gemma3("gemma3_text"),
            gemma3("gemma3"),
            pairs("cohere", "command-r", HeadKind.TIED),
            half("phi", "phi2", HeadKind.OWN, Activation.GELU_TANH),
            half("phi3", "phi3", HeadKind.EITHER, Activation.SILU),
            half("stablelm", "stablelm", HeadKind.OWN, Activation.SILU),
            half("starcoder2", "starcoder2", HeadKind.EITHER, Activation.GELU_TANH),
            pairs("glm", "chatglm", HeadKind.EITHER),
            pairs("chatglm", "chatglm", HeadKind.EITHER),
            pairs("glm4", "glm4", HeadKind.EITHER, Feature.WIDE_HEADS),
            half("falcon", "falcon", HeadKind.EITHER, Activation.GELU),
            half("bloom", "bloom", HeadKind.EITHER, Activation.GELU_TANH),
            half("gpt_neox", "gptneox", HeadKind.OWN, Activation.GELU),
            half("gpt2", "gpt2", HeadKind.EITHER, Activation.GELU_TANH),
            half("olmoe", "olmoe", HeadKind.OWN, Activation.SILU),
            half("qwen2_moe", "qwen2moe", HeadKind.OWN, Activation.SILU),
            half(
                    "qwen3_moe",
                    "qwen3moe",
                    HeadKind.EITHER,
                    Activation.SILU,
                    Feature.WIDE_HEADS,
                    Feature.NORMALIZED_EXPERTS),
            pairs("deepseek", "deepseek", HeadKind.EITHER, Feature.DENSE_FIRST));

    private static Map.Entry<String, Architecture> llama(String family, String name) {
        return pairs(family, name, HeadKind.EITHER, Feature.WIDE_HEADS, Feature.WINDOW, Feature.NORMALIZED_EXPERTS);
    }

    private static Map.Entry<String, Architecture> gemma3(String family) {
        return half(family, "gemma3", HeadKind.EITHER, Activation.GELU_TANH, Feature.WIDE_HEADS, Feature.WINDOW);
    }

    private static Map.Entry<String, Architecture> pairs(
            String family, String name, HeadKind head, Feature... features) {
        return Map.entry(family, new Architecture(name, true, head, Activation.SILU, Set.of(features)));
    }

    private static Map.Entry<String, Architecture> half(
            String family, String name, HeadKind head, Activation activation, Feature... features) {
        return Map.entry(family, new Architecture(name, false, head, activation, Set.of(features)));
    }

    /**
     * llama.cpp's architecture for a model.
     *
     * @throws InputException HT-682 if it has none, or one that computes something else
     */
    static Architecture of(DecoderSpec spec, String place) {
        Architecture architecture = BY_FAMILY.get(spec.family());
        if (architecture == null) {
            String reason = spec.encoder()
                    ? "an encoder's vocabulary of word pieces cannot be written as GGUF's"
                    : "llama.cpp has no architecture for models of family " + spec.family();
            throw refused(place, reason);
        }
        String reason = architecture.obstacle(spec);
        if (reason != null) {
            throw refused(place, "llama.cpp's architecture " + architecture.name() + " " + reason);
        }
        return architecture;
    }

    private static InputException refused(String place, String reason) {
        return new InputException("HT-682", place, reason, "export it in another format");
    }

    /** True if a file may say that tokens see a window. */
    boolean windows() {
        return has(Feature.WINDOW);
    }

    private boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** What the architecture computes otherwise; null for nothing. */
    private @Nullable String obstacle(DecoderSpec spec) {
        Attention attention = spec.attention();
        boolean tied = spec.embedding().tied();
        if (head == HeadKind.OWN && tied) {
            return "has a head of its own; here it is the embedding";
        }
        if (head == HeadKind.TIED && !tied) {
            return "has the embedding for its head; here there is another";
        }
        if (gelu(spec.mlp().activation()) != gelu(activation)) {
            return "has the activation " + activation + ", not " + spec.mlp().activation();
        }
        if (!has(Feature.WIDE_HEADS) && attention.heads() * attention.headDim() != spec.hidden()) {
            return "has heads of hidden_size / num_attention_heads channels, not " + attention.headDim();
        }
        if (!has(Feature.WINDOW) && attention.window() > 0 && attention.window() < spec.contextLength()) {
            return "has no sliding window; here it is " + attention.window();
        }
        if (name.equals("falcon") && spec.order() != Order.PARALLEL) {
            return "has attention and MLP side by side; here they follow each other";
        }
        if (attention.clip() > 0) {
            return "does not clip queries, keys and values";
        }
        if (name.equals("gemma2") && (attention.softcap() == 0 || spec.head().softcap() == 0)) {
            return "caps scores and logits; here they are not capped";
        }
        if (name.equals("command-r") && (attention.headNorm() != HeadNorm.NONE) != (spec.layers() >= COHERE_NORMED)) {
            return "norms queries and keys from %d layers on, and only then".formatted(COHERE_NORMED);
        }
        if (name.equals("olmoe") && attention.kvHeads() != attention.heads()) {
            return "norms keys that are as wide as queries; here there are %d heads of them, not %d"
                    .formatted(attention.kvHeads(), attention.heads());
        }
        String positions = positions(attention, spec);
        return positions != null ? positions : experts(spec);
    }

    private static Activation gelu(Activation activation) {
        return activation == Activation.GELU_TANH ? Activation.GELU : activation;
    }

    private @Nullable String positions(Attention attention, DecoderSpec spec) {
        int layers = SCALED_BY_SHARE.getOrDefault(name, -1);
        double width = layers == spec.layers() ? (double) spec.hidden() / attention.heads() : attention.headDim();
        if (Math.abs(attention.scale() * Math.sqrt(width) - 1) > 1e-6) {
            return "scales scores by 1 / sqrt(%.0f), not by %.6f".formatted(width, attention.scale());
        }
        if (attention.positions() instanceof Rope rope && rope.interleaved() && !pairs) {
            return "turns halves of a head; here neighbours are turned";
        }
        return attention.localPositions() instanceof Rope rope && !(rope.scaling() instanceof Rope.None)
                ? "does not scale the rotary frequencies of local layers"
                : null;
    }

    private @Nullable String experts(DecoderSpec spec) {
        Experts experts = spec.mlp().experts();
        if (experts == null) {
            return null;
        }
        if (experts.normalized() != has(Feature.NORMALIZED_EXPERTS)) {
            return experts.normalized()
                    ? "does not divide the weights of the chosen experts by their sum"
                    : "divides the weights of the chosen experts by their sum";
        }
        int first = leading(experts);
        if (experts.sparse().subList(first, spec.layers()).contains(false)) {
            return "has experts in all layers behind the first that has some";
        }
        return first > 0 && !has(Feature.DENSE_FIRST) ? "has experts in every layer" : null;
    }

    /** Layers before the first that has experts. */
    static int leading(Experts experts) {
        int first = experts.sparse().indexOf(true);
        return first < 0 ? experts.sparse().size() : first;
    }
}
