package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.SetAnalysis;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.claims.StudyClaim;
import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The twin test's judgement on the tests' tiny model, with groups that divide its layers. */
class StudyClaimTest {
    private static final String STUDY = """
            study: twin
            models: {tiny: tiny, tiny with outliers: "tiny+outliers(g=60,channels=2)"}
            recipes:
              naive-w8a8: |
                steps:
                  - weights: {method: rtn, format: int8, symmetric: true}
                  - inputs: {format: int8, granularity: token}
              smoothquant-w8a8: smoothquant-w8a8
              gptq-w8g64: gptq-w8g16
              gptq-w4g64: gptq-w4g16
              gptq-w3g64: gptq-w3g16
            calibration:
              samples: 8
              length: 24
              draws: 1
              sets: {words: {text: calibration.txt}, other: {text: other.txt}, repeat: {source: repeat}}
            evaluate:
              - perplexity: {name: words, text: test.txt, length: 32}
              - perplexity: {name: other, text: other.txt, length: 32}
            """;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void outliersThatAreInjectedBreakNaiveRoundingAndEveryPartOfTheClaimIsJudged() throws IOException {
        Files.writeString(directory.resolve("other.txt"), TinyModel.text(300, 9));
        Path out = directory.resolve("out");
        TinyStudy.run(TinyStudy.write(directory, STUDY), out, new TinyStudy.Told(), false);
        StudyData data = StudyData.read(StudyStore.open(out));
        StudyClaim claim = StudyClaim.named("calibration-study").orElseThrow();
        List<Finding> findings = claim.judge(data, SetAnalysis.of(data));
        // One gap and two domains of the natural model, three of the twin, a constant row of each.
        assertThat(findings).hasSize(3 + 3 + 2);
        assertThat(findings)
                .filteredOn(finding -> finding.statement().contains("one result"))
                .allMatch(Finding::holds);
        assertThat(findings)
                .filteredOn(finding -> finding.statement().contains("smoothquant-w8a8 diverges less"))
                .singleElement()
                .matches(Finding::holds);
        assertThat(findings)
                .filteredOn(finding -> finding.statement().contains("nonsense gap"))
                .singleElement()
                .satisfies(gap -> assertThat(gap.measured()).contains("gptq-w8g64 ", "gptq-w3g64 "));
        assertThat(StudyClaim.names()).isEqualTo("calibration-study, qllm-eval, llm-qbench");
        assertThat(StudyClaim.named("gptq")).isEmpty();
    }
}
