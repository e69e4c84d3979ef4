package dev.halftone.export.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.FamilyFixtures;
import dev.halftone.checkpoint.GgufFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufExport.Written;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
import dev.halftone.model.LinearSite;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipes;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What llama.cpp wants otherwise than the families' own files have it, and what it does not have. */
class GgufFamiliesTest {
    @TempDir
    private static Path temporary = Path.of("");

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gemma",
                "cohere",
                "falcon7",
                "falcon11",
                "falcon40",
                "bloom",
                "bloom6h",
                "neox",
                "neox_seq",
                "phi",
                "phi3",
                "stablelm",
                "stablelm12",
                "glm",
                "glm4",
                "mixtral",
                "qwen3moe",
                "deepseek",
                "gpt2"
            })
    void everyNumberIsInTheFileOnce(String fixture) throws IOException {
        Path model = model(fixture);
        try (ModelFile source = ModelFile.open(model);
                GgufFile file = exported(model, Mixture.ALL_F32, fixture)) {
            long elements = 0;
            for (String name : file.names()) {
                elements += file.tensor(name).elements();
            }
            assertThat(elements).isEqualTo(source.parameters());
        }
    }

    /** BLOOM has the rows of one head beside one another, [q; k; v], llama.cpp all queries, then all keys, then all values. */
    @Test
    void fusedRowsAreSortedByQueriesKeysAndValues() throws IOException {
        Path model = model("bloom");
        try (ModelFile source = ModelFile.open(model);
                GgufFile file = exported(model, Mixture.ALL_F32, "rows")) {
            int dim = source.spec().attention().headDim();
            int heads = source.spec().attention().heads();
            LinearSite site = source.spec().stages(1).getFirst().getFirst();
            List<float[]> expected = new ArrayList<>();
            for (int part = 0; part < 3; part++) {
                for (int head = 0; head < heads; head++) {
                    for (int i = 0; i < dim; i++) {
                        expected.add(row(source.checkpoint().tensor(site.weight()), (head * 3 + part) * dim + i));
                    }
                }
            }
            StoredTensor written = file.tensor("blk.1.attn_qkv.weight");
            assertThat(rows(written)).usingRecursiveComparison().isEqualTo(expected);
            float[] bias = row(source.checkpoint().tensor(site.biasName()), 0);
            assertThat(row(file.tensor("blk.1.attn_qkv.bias"), 0)[dim]).isEqualTo(bias[3 * dim]);
        }
    }

    @Test
    void gemmasGainsAreWrittenWithTheirOne() throws IOException {
        Path model = model("gemma");
        try (ModelFile source = ModelFile.open(model);
                GgufFile file = exported(model, Mixture.ALL_F32, "gains")) {
            float[] stored = row(source.checkpoint().tensor("model.layers.0.input_layernorm.weight"), 0);
            float[] written = row(file.tensor("blk.0.attn_norm.weight"), 0);
            for (int i = 0; i < stored.length; i++) {
                assertThat(written[i]).isEqualTo(stored[i] + 1);
            }
        }
    }

    /** llama.cpp does not open a file of that name whose vocabulary lacks Phi-3's own tokens. */
    @Test
    void theNameOfPhi3IsWrittenOtherwiseWithoutItsTokens() throws IOException {
        try (GgufFile file = exported(model("phi3"), Mixture.ALL_F32, "name")) {
            assertThat(file.metadata()).containsEntry("general.name", "phi_3");
        }
    }

    @Test
    void expertsLieOneAfterTheOther() throws IOException {
        Path model = model("mixtral");
        try (ModelFile source = ModelFile.open(model);
                GgufFile file = exported(model, Mixture.ALL_F32, "experts")) {
            StoredTensor written = file.tensor("blk.2.ffn_down_exps.weight");
            assertThat(written.shape()).containsExactly(4, 32, 48);
            StoredTensor expert = source.checkpoint().tensor("model.layers.2.block_sparse_moe.experts.3.w2.weight");
            assertThat(row(written, 3 * 32 + 5)).isEqualTo(row(expert, 5));
            assertThat(file.tensor("blk.2.ffn_gate_inp.weight").type()).isEqualTo("F32");
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "opt | no architecture for models of family opt",
                "falcon_rw | attention and MLP side by side",
                "cohere_qk | norms queries and keys from 64 layers on",
                "gemma2 | scales scores by 1 / sqrt(16)",
                "qwen2_window | has no sliding window",
                "starcoder2 | has no sliding window",
                "olmoe_clip | does not clip",
                "olmoe | norms keys that are as wide as queries",
                "qwen3moe_step | has experts in every layer",
                "qwen2moe | has experts in all layers behind the first",
                "llama_dynamic | change with the length of the text",
                "phi3_longrope | change with the length of the text",
                "bert | vocabulary of word pieces cannot be written"
            })
    void whatLlamaCppComputesOtherwiseIsRefused(String fixture, String reason) throws IOException {
        Path model = model(fixture);
        assertThatThrownBy(() -> exported(model, Mixture.ALL_F32, fixture))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-682")
                .hasMessageContaining(reason);
    }

    /** Of experts too: the codes that were measured are those in the file. */
    @ParameterizedTest
    @ValueSource(strings = {"qwen3_moe", "gpt_neox"})
    void packedWeightsKeepTheirCodes(String family) throws IOException {
        var config = SmallModel.config()
                .put("model_type", family)
                .put("intermediate_size", 64)
                .put("moe_intermediate_size", 32)
                .put("num_experts", 3)
                .put("num_experts_per_tok", 2)
                .put("norm_topk_prob", true)
                .put("head_dim", 16)
                .put("tie_word_embeddings", false);
        Path model = SmallModel.write(temporary.resolve(family + "-small"), 3, config);
        Path out = temporary.resolve(family + "-q8");
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            new Quantizer(file, Recipes.open("rtn-w8g32-signed-max"), null, Compute.FLOAT32, out, workers)
                    .run(Provenance.of(List.of(), Map.of()), (_, _) -> {});
        }
        List<Written> written;
        try (ModelFile file = ModelFile.open(out);
                Workers workers = new Workers(2)) {
            written = GgufExport.write(
                    file, Mixture.MOSTLY_Q8_0, null, temporary.resolve(family + ".gguf"), workers, (_, _) -> {});
            long matrices = Decoder.linears(file.spec()).stream()
                    .filter(site -> site.part() != LinearSite.Part.ROUTER && site.part() != LinearSite.Part.EXPERT)
                    .count();
            long together =
                    file.spec().mlp().experts() == null ? 0 : 3L * file.spec().layers();
            assertThat(written).filteredOn(Written::equal).hasSize((int) (matrices + together));
        }
    }

    private static Path model(String fixture) throws IOException {
        Path target = temporary.resolve(fixture);
        return Files.isDirectory(target) ? target : FamilyFixtures.withBytes(fixture, target);
    }

    private static GgufFile exported(Path model, Mixture mixture, String name) {
        Path file = temporary.resolve(name + ".gguf");
        try (ModelFile opened = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            GgufExport.write(opened, mixture, null, file, workers, (_, _) -> {});
        }
        return GgufFile.open(file);
    }

    private static List<float[]> rows(StoredTensor tensor) {
        List<float[]> rows = new ArrayList<>();
        for (int i = 0; i < tensor.rows(); i++) {
            rows.add(row(tensor, i));
        }
        return rows;
    }

    private static float[] row(StoredTensor tensor, long row) {
        float[] values = new float[Math.toIntExact(tensor.columns())];
        tensor.decode(row, row + 1, MemorySegment.ofArray(values));
        return values;
    }
}
