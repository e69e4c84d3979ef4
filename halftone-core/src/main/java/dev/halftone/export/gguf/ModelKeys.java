package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufValue;
import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.Order;
import dev.halftone.model.Rope;
import dev.halftone.text.GgufVocabularyKeys;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The metadata of a model that came from Hugging Face. Source: llama.cpp, convert_hf_to_gguf.py and gguf-py constants.py.
 *
 * <p>Frequencies that are scaled as Llama 3's or as a list are a tensor of divisors ({@link #ROPE_FACTORS}), not keys.
 */
final class ModelKeys {
    /** The tensor that holds what each rotary frequency is divided by. */
    static final String ROPE_FACTORS = "rope_freqs.weight";

    private static final Pattern PHI3_NAME = Pattern.compile("(phi)-?3", Pattern.CASE_INSENSITIVE);
    private static final List<String> PHI3_TOKENS = List.of("</s>", "<unk>", "<s>", "<|endoftext|>");

    private final Map<String, GgufValue> keys = new LinkedHashMap<>();
    private final DecoderSpec spec;
    private final Architecture target;
    private final String architecture;
    private final String place;

    private ModelKeys(DecoderSpec spec, String place) {
        this.spec = spec;
        this.target = Architecture.of(spec, place);
        this.architecture = target.name();
        this.place = place;
    }

    /** All keys but those that say how the weights are stored. */
    static Map<String, GgufValue> of(DecoderSpec spec, String name, GgufVocabularyKeys vocabulary, String place) {
        ModelKeys writer = new ModelKeys(spec, place);
        writer.keys.put("general.architecture", GgufValue.string(writer.architecture));
        writer.keys.put("general.type", GgufValue.string("model"));
        writer.keys.put("general.name", GgufValue.string(openable(name, vocabulary.tokens())));
        writer.sizes();
        writer.window();
        writer.outputs();
        Experts experts = spec.mlp().experts();
        if (experts != null) {
            writer.experts(experts);
        }
        if (spec.attention().positions() instanceof Rope rope) {
            writer.positions(rope);
        }
        writer.vocabulary(vocabulary);
        return writer.keys;
    }

    /**
     * The name, unless llama.cpp would refuse the file for it: a name with "phi-3" or "phi3" in it promises the tokens of Phi-3's own
     * vocabulary there, whatever the architecture. Source: llama.cpp, src/llama-vocab.cpp.
     */
    private static String openable(String name, List<String> tokens) {
        return tokens.containsAll(PHI3_TOKENS) ? name : PHI3_NAME.matcher(name).replaceAll("$1_3");
    }

    private void number(String key, long value) {
        keys.put(architecture + "." + key, GgufValue.u32(value));
    }

    private void sizes() {
        Attention attention = spec.attention();
        number("context_length", spec.contextLength());
        number("embedding_length", spec.hidden());
        number("block_count", spec.layers());
        number("feed_forward_length", spec.intermediate());
        number("attention.head_count", attention.heads());
        number("attention.head_count_kv", attention.kvHeads());
        keys.put(
                architecture
                        + (spec.norm().rms() ? ".attention.layer_norm_rms_epsilon" : ".attention.layer_norm_epsilon"),
                GgufValue.f32((float) spec.norm().eps()));
        if (attention.headDim() * attention.heads() != spec.hidden()) {
            number("attention.key_length", attention.headDim());
            number("attention.value_length", attention.headDim());
        }
        number("vocab_size", spec.embedding().vocabulary());
    }

    private void window() {
        Attention attention = spec.attention();
        if (architecture.equals("phi3")) {
            number("attention.sliding_window", 0); // without the key it would get one
        }
        if (!target.windows() || attention.window() == 0) {
            return;
        }
        number("attention.sliding_window", attention.window());
        if (!attention.windowed().isEmpty()) {
            keys.put(architecture + ".attention.sliding_window_pattern", GgufValue.bools(attention.windowed()));
        }
        if (attention.localPositions() instanceof Rope rope) {
            decimal("rope.freq_base_swa", rope.theta());
        }
    }

    /** What is done to scores, logits and the residual stream. */
    private void outputs() {
        if (spec.attention().softcap() > 0) {
            decimal("attn_logit_softcapping", spec.attention().softcap());
        }
        if (spec.head().softcap() > 0) {
            decimal("final_logit_softcapping", spec.head().softcap());
        }
        if (spec.head().scale() != 1) {
            decimal("logit_scale", spec.head().scale());
        }
        if (architecture.equals("gptneox") || architecture.equals("stablelm")) {
            keys.put(architecture + ".use_parallel_residual", GgufValue.bool(spec.order() == Order.PARALLEL));
        }
    }

    private void experts(Experts experts) {
        number("expert_count", experts.count());
        number("expert_used_count", experts.perToken());
        number("expert_feed_forward_length", experts.width());
        if (experts.sharedWidth() > 0) {
            number("expert_shared_feed_forward_length", experts.sharedWidth());
            number("expert_shared_count", experts.sharedWidth() / experts.width());
        }
        if (Architecture.leading(experts) > 0) {
            number("leading_dense_block_count", Architecture.leading(experts));
        }
        decimal("expert_weights_scale", experts.scale());
    }

    private void decimal(String key, double value) {
        keys.put(architecture + "." + key, GgufValue.f32((float) value));
    }

    private void positions(Rope rope) {
        number("rope.dimension_count", rope.dim());
        keys.put(architecture + ".rope.freq_base", GgufValue.f32((float) rope.theta()));
        switch (rope.scaling()) {
            case Rope.None _, Rope.Llama3 _, Rope.Factors _ -> {}
            case Rope.Linear(double factor) -> scaling("linear", factor);
            case Rope.Yarn yarn -> {
                scaling("yarn", yarn.factor());
                number("rope.scaling.original_context_length", yarn.trainedLength());
            }
            case Rope.Dynamic _, Rope.LongRope _ ->
                throw new InputException(
                        "HT-682",
                        place,
                        "rotary frequencies that change with the length of the text have no place in a GGUF file",
                        "export it in another format");
        }
    }

    private void scaling(String type, double factor) {
        keys.put(architecture + ".rope.scaling.type", GgufValue.string(type));
        keys.put(architecture + ".rope.scaling.factor", GgufValue.f32((float) factor));
    }

    private void vocabulary(GgufVocabularyKeys vocabulary) {
        String prefix = "tokenizer.ggml.";
        keys.put(prefix + "model", GgufValue.string("gpt2"));
        keys.put(prefix + "pre", GgufValue.string(vocabulary.pre()));
        keys.put(prefix + "tokens", GgufValue.strings(vocabulary.tokens()));
        keys.put(
                prefix + "token_type",
                GgufValue.ints(
                        vocabulary.types().stream().mapToInt(Integer::intValue).toArray()));
        keys.put(prefix + "merges", GgufValue.strings(vocabulary.merges()));
        vocabulary.ids().forEach((role, id) -> keys.put(prefix + role + "_token_id", GgufValue.u32(id)));
        keys.put(prefix + "add_bos_token", GgufValue.bool(vocabulary.addsBos()));
        if (!vocabulary.chatTemplate().isEmpty()) {
            keys.put("tokenizer.chat_template", GgufValue.string(vocabulary.chatTemplate()));
        }
    }
}
