package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.calibration.CalibrationSource;
import dev.halftone.error.InputException;
import dev.halftone.study.plan.Probe;
import dev.halftone.study.plan.StudyFile;
import dev.halftone.study.plan.StudyFile.CalibrationSetEntry;
import dev.halftone.study.plan.StudyFile.NamedRecipe;
import dev.halftone.study.plan.StudyReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StudyReaderTest {
    @TempDir
    private Path directory = Path.of("");

    private StudyFile read(String yaml) throws IOException {
        return StudyReader.read(TinyStudy.write(directory, yaml));
    }

    @Test
    void everyRecipeHasItsRoundingInFrontAndTheModelsAsTheyAreComeFirst() throws IOException {
        StudyFile study = read(TinyStudy.yaml());
        assertThat(study.recipes().stream().map(NamedRecipe::name))
                .containsExactly("full-precision", "rtn-w3g16", "gptq-w3", "rtn-w8a8-sym-wide", "smoothquant");
        assertThat(study.recipes().stream().filter(NamedRecipe::anchor)).hasSize(3);
        assertThat(study.recipes().stream().filter(NamedRecipe::dataFree)).hasSize(3);
        NamedRecipe naive = study.recipes().get(3);
        assertThat(naive.recipe().orElseThrow().steps().getFirst().format())
                .isEqualTo(study.recipes()
                        .get(4)
                        .recipe()
                        .orElseThrow()
                        .steps()
                        .getFirst()
                        .format());
        // A rounding that the study names is not added again, and static inputs are compared with dynamic ones.
        StudyFile named = read(TinyStudy.yaml().replace("  smoothquant: smoothquant-w8a8\n", """
                  mine: rtn-w3g16
                  fixed: |
                    steps:
                      - weights: {method: gptq, format: int4, mode: affine, group: 16, scale: fp32}
                      - inputs: {format: fp8_e4m3, granularity: static}
                """));
        assertThat(named.recipes().stream().map(NamedRecipe::name))
                .containsExactly("full-precision", "gptq-w3", "mine", "rtn-w4afp8g16-affine-fp32", "fixed");
    }

    @Test
    void pathsStartFromTheFileAndTextsAreDrawnAtRandomPlaces() throws IOException {
        StudyFile study = read(TinyStudy.yaml());
        assertThat(study.models().getFirst().name())
                .isEqualTo(directory.toRealPath().resolve("tiny").toString());
        assertThat(study.models().get(1).name()).endsWith("tiny+outliers(g=32,channels=2)");
        CalibrationSetEntry words = study.sets().getFirst();
        assertThat(words.options().source())
                .isInstanceOfSatisfying(
                        CalibrationSource.Text.class,
                        text -> assertThat(text.mode()).isEqualTo(CalibrationSource.Mode.GPTQ));
        assertThat(words.draw(1).seed()).isEqualTo(4);
        assertThat(study.defaultSet()).isEqualTo("words");
        assertThat(study.sets().stream().map(CalibrationSetEntry::nonsense)).containsExactly(false, true);
        assertThat(study.probes()).singleElement().isInstanceOfSatisfying(Probe.Text.class, text -> {
            assertThat(text.name()).isEqualTo("test");
            assertThat(text.files())
                    .allSatisfy(file -> assertThat(Path.of(file)).exists());
        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "draws: 2            | draws: 0                                    | HT-421",
                "draws: 2            | drows: 2                                    | HT-421",
                "gptq-w3: gptq-w3g16 | gptq-w3: gptq-w9g16                         | HT-422",
                "gptq-w3: gptq-w3g16 | full-precision: gptq-w3g16                  | HT-421",
                "{source: tokens}    | {source: noise}                             | HT-421",
                "{text: test.txt, length: 32} | {text: test.txt, windows: round}   | HT-601",
                "{text: test.txt, length: 32} | {length: 32}                       | HT-421",
                "- perplexity        | - speed                                     | HT-421",
            })
    void whatMakesNoSenseIsRefusedWithItsPlace(String from, String to, String code) {
        assertThatThrownBy(() -> read(TinyStudy.yaml().replace(from, to)))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(code);
    }

    @Test
    void theStudiesThatComeWithTheSourceCanBeReadAndTheirFilesAreThere() throws IOException {
        Path root = Path.of(System.getProperty("halftone.root", ".."));
        try (Stream<Path> files = Files.list(root.resolve("studies"))) {
            List<Path> studies =
                    files.filter(file -> file.toString().endsWith(".yaml")).toList();
            assertThat(studies).hasSizeGreaterThanOrEqualTo(6);
            for (Path file : studies) {
                StudyFile study = StudyReader.read(file, List.of("zoo:any"));
                assertThat(study.probes())
                        .allSatisfy(probe -> assertThat(probe.files())
                                .allSatisfy(path -> assertThat(Path.of(path)).exists()));
                assertThat(study.sets())
                        .allSatisfy(set -> assertThat(set.options().source().files())
                                .allSatisfy(path -> assertThat(path).exists()));
            }
        }
    }

    @Test
    void aStudyCanBeMadeLargerOrSmaller() throws IOException {
        StudyFile study = read(TinyStudy.yaml());
        assertThat(study.sized(StudyFile.Size.OF_THE_FILE)).isEqualTo(study);
        StudyFile larger = study.sized(new StudyFile.Size(9, 5, 7));
        assertThat(larger.draws()).isEqualTo(5);
        assertThat(larger.sets()).allSatisfy(set -> {
            assertThat(set.draw(1).samples()).isEqualTo(9);
            assertThat(set.draw(1).length()).isEqualTo(24);
        });
        assertThat(larger.probes())
                .singleElement()
                .satisfies(probe -> assertThat(probe.settings()).endsWith(" 32 7"));
    }
}
