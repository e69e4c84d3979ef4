package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import tools.jackson.databind.node.ObjectNode;

/** SmolLM2-135M-Instruct in Q4_1; the expected figures come from tools/fixtures/gguf_row_order.py. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RealGgufTest {
    private Checkpoint model;

    @BeforeAll
    void open() {
        model = Checkpoints.open(SharedFiles.find("real-models/SmolLM2-135M-Instruct.Q4_1.gguf"));
    }

    @AfterAll
    void close() {
        if (model != null) {
            model.close();
        }
    }

    @Test
    void lists_272_tensors_under_hugging_face_names() {
        assertThat(model.names()).hasSize(272).contains("model.embed_tokens.weight", "model.norm.weight");
        assertThat(model.names())
                .filteredOn(name -> name.contains("_proj"))
                .hasSize(210)
                .allSatisfy(name -> assertThat(model.tensor(name).type()).isEqualTo("Q4_1"));
        StoredTensor down = model.tensor("model.layers.0.mlp.down_proj.weight");
        assertThat(down.shape()).containsExactly(576, 1536);
        assertThat(down.mustDecode()).isFalse();
        assertThat(down.byteSize()).isEqualTo(576 * 1536 / 32 * 20);
    }

    @Test
    void says_in_config_json_keys_what_the_metadata_says() {
        ObjectNode config = model.config();
        assertThat(config.get("model_type").stringValue()).isEqualTo("llama");
        assertThat(config.get("architectures").get(0).stringValue()).isEqualTo("LlamaForCausalLM");
        Map.of(
                        "hidden_size", 576,
                        "intermediate_size", 1536,
                        "num_hidden_layers", 30,
                        "num_attention_heads", 9,
                        "num_key_value_heads", 3,
                        "head_dim", 64,
                        "max_position_embeddings", 8192,
                        "vocab_size", 49152,
                        "bos_token_id", 1,
                        "eos_token_id", 2)
                .forEach((key, value) ->
                        assertThat(config.get(key).intValue()).as(key).isEqualTo(value));
        assertThat(config.get("rope_theta").doubleValue()).isEqualTo(100_000);
        assertThat(config.get("rms_norm_eps").doubleValue()).isEqualTo(9.999999747378752e-06);
        assertThat(config.get("tie_word_embeddings").booleanValue()).isTrue();
        assertThat(config.has("rope_scaling")).isFalse();
        assertThat(config.get("attention_bias").booleanValue()).isFalse();
    }

    @Test
    void gives_q_and_k_in_the_row_order_of_transformers() {
        StoredTensor q = model.tensor("model.layers.3.self_attn.q_proj.weight");
        StoredTensor k = model.tensor("model.layers.3.self_attn.k_proj.weight");
        assertThat(q.mustDecode()).isTrue();
        assertThat(TensorBytes.crcOfDecoded(q)).isEqualTo(0x38bccae4L);
        assertThat(TensorBytes.crcOfDecoded(k)).isEqualTo(0x81304255L);
        assertThat(TensorBytes.decode(q, 33, 34)).startsWith(-0.054656982f, 0.22494507f, 0.08514404f);
        assertThat(TensorBytes.decode(q, 574, 575)).startsWith(0.107040405f, 0.27540588f, 0.05091858f);
        assertThat(TensorBytes.decode(k, 1, 2)).startsWith(0.05596924f, -0.1237793f, -0.015930176f);
    }

    @Test
    void hands_the_tokenizer_its_metadata() {
        Map<String, Object> metadata = ((GgufCheckpoint) model).metadata();
        assertThat(metadata)
                .containsEntry("tokenizer.ggml.model", "gpt2")
                .containsEntry("tokenizer.ggml.add_bos_token", false);
        assertThat((List<?>) metadata.get("tokenizer.ggml.tokens"))
                .hasSize(49152)
                .first()
                .isEqualTo("<|endoftext|>");
        assertThat((int[]) metadata.get("tokenizer.ggml.token_type"))
                .hasSize(49152)
                .startsWith(3, 3, 3);
        assertThat(metadata).containsEntry("tokenizer.ggml.eos_token_id", 2L);
    }

    @Test
    void holds_finite_values_and_no_dead_rows() {
        long elements = 0;
        for (String name : model.names()) {
            TensorHealth health = TensorHealth.scan(model.tensor(name));
            assertThat(health.finite()).as(name).isTrue();
            assertThat(health.zeroRows()).as(name).isZero();
            elements += health.elements();
        }
        assertThat(elements).isEqualTo(134_515_008);
    }

    @Test
    void decodes_the_embedding_as_the_python_reader_does() {
        StoredTensor embedding = model.tensor("model.embed_tokens.weight");
        float[] values = TensorBytes.decode(embedding, 0, 1000);
        assertThat(TensorBytes.crc(new Bytes().f32(values).toArray())).isEqualTo(0x583e1f03L);
    }
}
