package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** Tiny models: width 8, two heads of size 4, one KV head, one block; every value of a tensor is its place in the file. */
class GgufCheckpointTest {
    @TempDir
    private Path directory;

    /** A GGUF model that a test changes before it is written. */
    private static final class Model {
        private final List<Consumer<Bytes>> keys = new ArrayList<>();
        private final List<String> names = new ArrayList<>();
        private final List<long[]> shapes = new ArrayList<>();

        Model(String architecture) {
            keys.add(b -> b.key("general.architecture", architecture));
        }

        static Model of(String a) {
            return withoutBias(a).tensor("blk.0.attn_q.bias", 8);
        }

        static Model withoutBias(String a) {
            return new Model(a)
                    .key(a + ".context_length", 64)
                    .key(a + ".embedding_length", 8)
                    .key(a + ".block_count", 1)
                    .key(a + ".feed_forward_length", 6)
                    .key(a + ".attention.head_count", 2)
                    .key(a + ".attention.head_count_kv", 1)
                    .key(a + ".attention.layer_norm_rms_epsilon", 1e-6f)
                    .tensor("token_embd.weight", 8, 5)
                    .tensor("blk.0.attn_q.weight", 8, 8)
                    .tensor("blk.0.attn_k.weight", 8, 4)
                    .tensor("blk.0.attn_v.weight", 8, 4);
        }

        Model key(String key, int value) {
            keys.add(b -> b.key(key, value));
            return this;
        }

        Model key(String key, float value) {
            keys.add(b -> b.key(key, value));
            return this;
        }

        Model key(String key, String value) {
            keys.add(b -> b.key(key, value));
            return this;
        }

        /** Dimensions fastest first. */
        Model tensor(String name, long... dimensions) {
            names.add(name);
            shapes.add(dimensions);
            return this;
        }

        Path write(Path directory) {
            Bytes bytes = Bytes.gguf(names.size(), keys.size());
            keys.forEach(key -> key.accept(bytes));
            Bytes data = new Bytes();
            long offset = 0;
            for (int i = 0; i < names.size(); i++) {
                bytes.tensor(names.get(i), 0, offset, shapes.get(i));
                int elements = 1;
                for (long dimension : shapes.get(i)) {
                    elements *= (int) dimension;
                }
                for (int k = 0; k < elements; k++) {
                    data.f32(k + 1);
                }
                data.pad(32);
                offset += (elements * 4L + 31) / 32 * 32;
            }
            return bytes.pad(32).raw(data.toArray()).write(directory.resolve("model.gguf"));
        }
    }

    private Checkpoint open(Model model) {
        return Checkpoints.open(model.write(directory));
    }

    @Test
    void puts_the_rows_of_llamas_q_and_k_and_their_biases_in_order() {
        try (Checkpoint checkpoint = open(Model.of("llama"))) {
            StoredTensor q = checkpoint.tensor("model.layers.0.self_attn.q_proj.weight");
            assertThat(q.mustDecode()).isTrue();
            int[] fileRows = {0, 2, 1, 3, 4, 6, 5, 7};
            for (int row = 0; row < 8; row++) {
                assertThat(TensorBytes.decode(q, row, row + 1)[0]).isEqualTo(8 * fileRows[row] + 1);
            }
            assertThat(TensorBytes.decode(q, 1, 3))
                    .startsWith(17)
                    .contains(9, 16)
                    .hasSize(16);
            StoredTensor bias = checkpoint.tensor("model.layers.0.self_attn.q_proj.bias");
            assertThat(TensorBytes.decode(bias)).containsExactly(1, 3, 2, 4, 5, 7, 6, 8);
            StoredTensor k = checkpoint.tensor("model.layers.0.self_attn.k_proj.weight");
            assertThat(TensorBytes.decode(k, 1, 2)).startsWith(17);
            StoredTensor v = checkpoint.tensor("model.layers.0.self_attn.v_proj.weight");
            assertThat(v.mustDecode()).isFalse();
            assertThat(TensorBytes.decode(v, 1, 2)).startsWith(9);
        }
    }

    @Test
    void leaves_the_rows_of_qwen_alone_and_maps_its_norms() {
        for (String architecture : List.of("qwen2", "qwen3")) {
            try (Checkpoint checkpoint = open(Model.of(architecture).tensor("blk.0.attn_q_norm.weight", 4))) {
                StoredTensor q = checkpoint.tensor("model.layers.0.self_attn.q_proj.weight");
                assertThat(q.mustDecode()).isFalse();
                assertThat(TensorBytes.decode(q, 1, 2)).startsWith(9);
                assertThat(checkpoint.names()).contains("model.layers.0.self_attn.q_norm.weight");
                assertThat(checkpoint.config().get("model_type").stringValue()).isEqualTo(architecture);
            }
        }
    }

    @Test
    void fills_the_config_with_the_defaults_of_the_format() {
        try (Checkpoint checkpoint = open(Model.of("llama"))) {
            ObjectNode config = checkpoint.config();
            assertThat(config.get("rope_theta").doubleValue()).isEqualTo(10_000);
            assertThat(config.get("head_dim").intValue()).isEqualTo(4);
            assertThat(config.get("vocab_size").intValue()).isEqualTo(5);
            assertThat(config.get("attention_bias").booleanValue()).isTrue();
            assertThat(config.get("tie_word_embeddings").booleanValue()).isTrue();
            assertThat(config.has("rope_scaling")).isFalse();
            assertThat(config.has("partial_rotary_factor")).isFalse();
            config.removeAll();
            assertThat(checkpoint.config().isEmpty()).isFalse();
        }
        try (Checkpoint checkpoint = open(Model.of("llama").tensor("output.weight", 8, 5))) {
            assertThat(checkpoint.config().get("tie_word_embeddings").booleanValue())
                    .isFalse();
            assertThat(checkpoint.names()).contains("lm_head.weight");
        }
    }

    @Test
    void reads_rope_scaling_from_keys_or_from_the_factors_tensor() {
        Model linear =
                Model.of("llama").key("llama.rope.scaling.type", "linear").key("llama.rope.scaling.factor", 4f);
        try (Checkpoint checkpoint = open(linear)) {
            assertThat(checkpoint.config().get("rope_scaling").toString())
                    .isEqualTo("{\"rope_type\":\"linear\",\"factor\":4.0}");
        }
        try (Checkpoint checkpoint = open(Model.of("llama").tensor("rope_freqs.weight", 2))) {
            assertThat(checkpoint.config().get("rope_scaling").toString())
                    .isEqualTo("{\"rope_type\":\"factors\",\"factors\":[1.0,2.0]}");
            assertThat(checkpoint.names()).noneMatch(name -> name.contains("rope"));
        }
        Model yarn = Model.of("qwen2")
                .key("qwen2.rope.scaling.type", "yarn")
                .key("qwen2.rope.scaling.factor", 4f)
                .key("qwen2.rope.scaling.original_context_length", 32);
        try (Checkpoint checkpoint = open(yarn)) {
            assertThat(checkpoint
                            .config()
                            .get("rope_scaling")
                            .get("original_max_position_embeddings")
                            .intValue())
                    .isEqualTo(32);
        }
        try (Checkpoint checkpoint = open(Model.of("llama").key("llama.rope.dimension_count", 2))) {
            assertThat(checkpoint.config().get("partial_rotary_factor").doubleValue())
                    .isEqualTo(0.5);
        }
    }

    @Test
    void a_window_in_a_llama_file_makes_it_a_mistral() {
        Model windowed = Model.withoutBias("llama").key("llama.attention.sliding_window", 4096);
        try (Checkpoint checkpoint = open(windowed)) {
            assertThat(checkpoint.config().get("model_type").stringValue()).isEqualTo("mistral");
            assertThat(checkpoint.config().get("sliding_window").intValue()).isEqualTo(4096);
            assertThat(checkpoint.config().get("architectures").toString()).isEqualTo("[\"MistralForCausalLM\"]");
            assertThat(checkpoint
                            .tensor("model.layers.0.self_attn.q_proj.weight")
                            .mustDecode())
                    .isTrue();
        }
        try (Checkpoint checkpoint = open(Model.of("llama").key("llama.attention.sliding_window", 0))) {
            assertThat(checkpoint.config().get("model_type").stringValue()).isEqualTo("llama");
            assertThat(checkpoint.config().has("sliding_window")).isFalse();
        }
        assertRefused(
                "HT-242",
                "llama.attention.sliding_window is 8",
                () -> open(Model.of("llama").key("llama.attention.sliding_window", 8)));
        assertRefused(
                "HT-242",
                "qwen2.attention.sliding_window is 8",
                () -> open(Model.withoutBias("qwen2").key("qwen2.attention.sliding_window", 8)));
    }

    @Test
    void refuses_models_it_does_not_know() {
        assertRefused("HT-240", "'mamba', known: gpt2, llama, qwen2, qwen3", () -> open(Model.of("mamba")));
        assertRefused(
                "HT-241",
                "general.architecture",
                () -> Checkpoints.open(Bytes.gguf(0, 0).write(directory.resolve("x.gguf"))));
        assertRefused(
                "HT-240",
                "'7'",
                () -> Checkpoints.open(
                        Bytes.gguf(0, 1).key("general.architecture", 7).write(directory.resolve("x.gguf"))));
        assertRefused(
                "HT-243", "ffn_gate_exps", () -> open(Model.of("llama").tensor("blk.0.ffn_gate_exps.weight", 8, 6, 2)));
        assertRefused("HT-243", "attn_q.scale", () -> open(Model.of("llama").tensor("blk.0.attn_q.scale", 1)));
    }

    @Test
    void refuses_metadata_that_makes_no_model() {
        assertRefused("HT-241", "llama.embedding_length", () -> open(new Model("llama")));
        assertRefused(
                "HT-242", "embedding_length is 8.0", () -> open(new Model("llama").key("llama.embedding_length", 8f)));
        assertRefused(
                "HT-242", "is 0, expected a positive", () -> open(new Model("llama").key("llama.embedding_length", 0)));
        assertRefused(
                "HT-242", "is -1.0, expected", () -> open(Model.of("llama").key("llama.rope.freq_base", -1f)));
        assertRefused(
                "HT-242", "is NaN, expected", () -> open(Model.of("llama").key("llama.rope.freq_base", Float.NaN)));
        assertRefused(
                "HT-242", "is 3, expected an even", () -> open(Model.of("llama").key("llama.rope.dimension_count", 3)));
        assertRefused("HT-242", "value_length", () -> open(Model.of("llama").key("llama.attention.value_length", 3)));
        assertRefused("HT-242", "'x'", () -> open(Model.of("llama").key("llama.rope.scaling.type", "'x'")));
        assertRefused("HT-242", "rope_freqs", () -> open(Model.of("llama").tensor("rope_freqs.weight", 3)));
        assertRefused(
                "HT-246",
                "8 rows",
                () -> open(new Model("llama")
                        .key("llama.context_length", 64)
                        .key("llama.embedding_length", 8)
                        .key("llama.block_count", 1)
                        .key("llama.feed_forward_length", 6)
                        .key("llama.attention.head_count", 2)
                        .key("llama.attention.layer_norm_rms_epsilon", 1e-6f)
                        .tensor("token_embd.weight", 8, 5)
                        .tensor("blk.0.attn_q.weight", 8, 6)));
    }
}
