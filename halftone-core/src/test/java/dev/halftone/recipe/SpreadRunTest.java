package dev.halftone.recipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs in pieces, which are computed here, the last one first. */
class SpreadRunTest {
    private static final String GPTQ = """
            propagate: float
            steps:
              - weights: {method: gptq, format: int3, group: 16}
              - weights: {method: rtn, format: int4, group: 16, targets: ["*1.mlp*"]}
              - inputs: {format: int8, granularity: token}
            """;

    @TempDir
    private Path directory = Path.of("");

    /** Notes what it was given. */
    private static final class Backwards implements PieceExecutor {
        private final List<String> computed = new ArrayList<>();
        private boolean closed;

        @Override
        public void run(List<? extends Piece> pieces, int threads, Path scratch, Sink sink) {
            for (int i = pieces.size() - 1; i >= 0; i--) {
                pieces.get(i).compute("-lost");
                computed.add(pieces.get(i).toString());
                sink.done(i, pieces.get(i).compute("-second"));
            }
        }

        @Override
        public void close() {
            closed = true;
        }
    }

    /** Three shards: 128 sequences of 32 tokens make one product. */
    private CalibrationSet draw(ModelFile model, Workers workers) {
        return CalibrationSets.draw(new CalibrationOptions(new CalibrationSource.Tokens(), 300, 32, 1), model, workers);
    }

    private Path recipe(String yaml) throws IOException {
        return Files.writeString(directory.resolve("recipe.yaml"), yaml);
    }

    @ParameterizedTest
    @ValueSource(strings = {"rtn-w3g16", GPTQ})
    void piecesInAnyOrderMakeTheBytesOfARunInOneProcess(String source) throws IOException {
        TinyRuns runs = TinyRuns.in(directory);
        Recipe recipe = Recipes.open(source.equals(GPTQ) ? recipe(GPTQ).toString() : source);
        Path plain = directory.resolve("plain");
        Path out = directory.resolve("out");
        Backwards elsewhere = new Backwards();
        List<Integer> told = new ArrayList<>();
        try (ModelFile model = ModelFile.open(runs.model());
                Workers workers = new Workers(2)) {
            CalibrationSet draw = recipe.needsCalibration() ? draw(model, workers) : null;
            Provenance provenance = Provenance.of(model.checkpoint().files(), Map.of());
            QuantizationResult expected =
                    new Quantizer(model, recipe, draw, Compute.FLOAT32, plain, workers).run(provenance, (_, _) -> {});
            QuantizationResult result = new Quantizer(model, recipe, draw, Compute.FLOAT32, out, workers)
                    .run(provenance, elsewhere, 1, (done, _) -> told.add(done));
            assertThat(result.evidence()).isEqualTo(expected.evidence());
        }
        assertThat(TinyRuns.contents(out))
                .containsKeys("model.safetensors", "halftone.json", "config.json")
                .isEqualTo(TinyRuns.contents(plain));
        assertThat(told).containsExactly(1, 2);
        assertThat(elsewhere.computed)
                .containsExactlyElementsOf(
                        recipe.needsCalibration()
                                ? List.of(
                                        "blocks 0 to 1 of shard 2",
                                        "blocks 0 to 1 of shard 1",
                                        "blocks 0 to 1 of shard 0",
                                        "block 1",
                                        "block 0")
                                : List.of("block 1", "block 0"));
        assertThat(elsewhere.closed).isTrue();
        assertThat(directory.resolve(".out.halftone")).doesNotExist();
    }

    @Test
    void blocksGoThroughBothRoundsOneByOneWhereAllProductsHaveNoRoom() throws IOException {
        TinyRuns runs = TinyRuns.in(directory);
        Recipe recipe = Recipes.open(recipe(GPTQ).toString());
        Path work = Files.createDirectories(directory.resolve("work"));
        List<List<Manifest>> found = new ArrayList<>();
        try (ModelFile model = ModelFile.open(runs.model());
                Workers workers = new Workers(2)) {
            CalibrationSet draw = draw(model, workers);
            Provenance provenance = Provenance.of(model.checkpoint().files(), Map.of());
            SpreadSetting setting = SpreadSetting.of(model, provenance, recipe, Compute.FLOAT32, work, 1);
            QuantizationPlan plan = QuantizationPlan.of(recipe, model.spec());
            for (long room : new long[] {1, SpreadRun.ROOM}) {
                Backwards elsewhere = new Backwards();
                SpreadRun run = new SpreadRun(setting, model.spec(), plan, draw, room);
                found.add(run.run(elsewhere, (_, _) -> {}));
                assertThat(elsewhere.computed).hasSize(room == 1 ? 8 : 5);
            }
        }
        assertThat(found.getFirst()).isEqualTo(found.getLast());
        try (Stream<Path> left = Files.list(work)) {
            assertThat(left.map(file -> String.valueOf(file.getFileName())).sorted())
                    .containsExactly("block-00000.safetensors", "block-00001.safetensors");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"gptq-w3g16", "awq-w3g16", "smoothquant-w8a8"})
    void aRecipeWhoseBlocksWaitForOneAnotherIsRefused(String recipe) throws IOException {
        try (ModelFile model = ModelFile.open(TinyRuns.in(directory).model())) {
            assertThatThrownBy(() -> Quantizer.checkSpread(model, Recipes.open(recipe)))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-687")
                    .hasMessageContaining(recipe);
        }
    }

    @Test
    void anotherModelOfTheSameNameIsRefused() throws IOException {
        Path model = TinyRuns.in(directory).model();
        SpreadSetting setting = new SpreadSetting(
                model.toString(), Set.of("other"), "rtn-w3g16", "", directory.toString(), 1, "float32", "cpu");
        assertThatThrownBy(() -> new BlockPiece(setting, 0, 0, 0).compute(""))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-674");
        assertThatThrownBy(() -> PieceExecutor.named("yarn"))
                .hasMessageContaining("HT-665")
                .hasMessageContaining("known are local");
    }
}
