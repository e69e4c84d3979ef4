package dev.halftone.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.CalibrationSets;
import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.PieceExecutor;
import dev.halftone.recipe.QuantizationResult;
import dev.halftone.recipe.Quantizer;
import dev.halftone.recipe.Recipe;
import dev.halftone.recipe.Recipes;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pieces of a quantization on Spark in this process. */
class SparkPiecesTest {
    @TempDir
    private Path directory = Path.of("");

    private static Map<String, String> files(Path directory) throws IOException {
        Map<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                hashes.put(String.valueOf(file.getFileName()), Provenance.sha256(file));
            }
        }
        return hashes;
    }

    private void compare(String name, Recipe recipe) throws IOException {
        Path plain = directory.resolve("plain");
        Path out = directory.resolve("out");
        List<Integer> told = new ArrayList<>();
        try (ModelFile model = ModelFile.open(name);
                Workers workers = new Workers(2)) {
            // Three shards: 128 sequences of 32 tokens make one product.
            CalibrationSet draw = !recipe.needsCalibration()
                    ? null
                    : CalibrationSets.draw(
                            new CalibrationOptions(new CalibrationSource.Tokens(), 300, 32, 1), model, workers);
            Provenance provenance = Provenance.of(model.checkpoint().files(), Map.of());
            new Quantizer(model, recipe, draw, Compute.FLOAT32, plain, workers).run(provenance, (_, _) -> {});
            QuantizationResult result = new Quantizer(model, recipe, draw, Compute.FLOAT32, out, workers)
                    .run(provenance, PieceExecutor.named("local[2]"), 1, (done, _) -> told.add(done));
            assertThat(result.evidence().sites())
                    .hasSizeGreaterThan(model.spec().layers());
            assertThat(told).hasSize(model.spec().layers()).isSorted();
        }
        assertThat(files(out))
                .containsKeys("model.safetensors", "halftone.json")
                .isEqualTo(files(plain));
        assertThat(directory.resolve(".out.halftone")).doesNotExist();
    }

    @Test
    void blocksOfARecipeWithoutDataMakeTheBytesOfARunWithoutSpark() throws IOException {
        compare("zoo:opt-nano+outliers(g=8,channels=2)", Recipes.open("rtn-w3g64"));
    }

    @Test
    void hSummedOverShardsMakesTheBytesOfARunWithoutSpark() throws IOException {
        Path file = Files.writeString(
                directory.resolve("float.yaml"),
                "propagate: float\nsteps:\n  - weights: {method: gptq, format: int3, group: 16}\n");
        compare(TinyModel.write(directory.resolve("tiny"), 1).toString(), Recipes.open(file.toString()));
    }

    @Test
    void anErrorOfAPieceIsTheRunsError() {
        PieceExecutor.Piece broken = new Broken();
        try (PieceExecutor executor = PieceExecutor.named("local[1]")) {
            assertThatThrownBy(() -> executor.run(List.of(broken), 1, directory, (_, _) -> {}))
                    .isInstanceOf(InputException.class)
                    .hasMessageContaining("HT-688 the broken piece")
                    .hasMessageContaining("HT-212 there");
        }
    }

    /** What meets an error of the input. */
    private record Broken() implements PieceExecutor.Piece {
        @Override
        public String compute(String attempt) {
            throw new InputException("HT-212", "there", "3 NaN", "");
        }

        @Override
        public String toString() {
            return "the broken piece";
        }
    }
}
