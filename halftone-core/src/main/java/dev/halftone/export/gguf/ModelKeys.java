package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufValue;
import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.Rope;
import dev.halftone.text.GgufVocabularyKeys;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The metadata of a model that came from Hugging Face. Source: llama.cpp, convert_hf_to_gguf.py and gguf-py constants.py.
 *
 * <p>Frequencies that are scaled as Llama 3's or as a list are a tensor of divisors ({@link #ROPE_FACTORS}), not keys.
 */
final class ModelKeys {
    /** The tensor that holds what each rotary frequency is divided by. */
    static final String ROPE_FACTORS = "rope_freqs.weight";

    private final Map<String, GgufValue> keys = new LinkedHashMap<>();
    private final DecoderSpec spec;
    private final String architecture;
    private final String place;

    private ModelKeys(DecoderSpec spec, String place) {
        this.spec = spec;
        this.architecture = GgufTensors.architecture(spec, place);
        this.place = place;
    }

    /** All keys but those that say how the weights are stored. */
    static Map<String, GgufValue> of(DecoderSpec spec, String name, GgufVocabularyKeys vocabulary, String place) {
        ModelKeys writer = new ModelKeys(spec, place);
        writer.keys.put("general.architecture", GgufValue.string(writer.architecture));
        writer.keys.put("general.type", GgufValue.string("model"));
        writer.keys.put("general.name", GgufValue.string(name));
        writer.sizes();
        if (spec.attention().positions() instanceof Rope rope) {
            writer.positions(rope);
        }
        writer.vocabulary(vocabulary);
        return writer.keys;
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
        if (attention.window() > 0) {
            number("attention.sliding_window", attention.window());
        }
        number("vocab_size", spec.embedding().vocabulary());
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
