package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.Tolerance;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.recommend.Rules;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.store.StudyStore;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Quantized caches, tasks whose answers are written or made, and other types than float32, in a study. */
class StudyTasksTest {
    private static final String STUDY = """
            study: tasks
            models: {tiny: tiny}
            recipes: [kv8, kv2, rtn-w8kv4g16, gptq-w4kv4g16]
            calibration:
              samples: 4
              length: 24
              draws: 1
              sets: {words: {text: calibration.txt}}
            evaluate:
              - perplexity: {text: test.txt, length: 32}
              - generate: {task: generate, file: written.jsonl}
              - choice: {name: made, task: "needle(sentences=2,items=3)"}
              - choice: {file: items.jsonl}
              - generate: {task: dialogue, file: chat.jsonl}
            """;

    @TempDir
    private Path directory = Path.of("");

    @Test
    void cachesAndTasksAreCellsLikeAllOthers() throws IOException {
        Path file = write(STUDY);
        Path out = directory.resolve("out");
        StudyRun.Summary summary = TinyStudy.run(file, out, new TinyStudy.Told(), false);
        assertThat(summary.failures())
                .as("the made prompts are longer than the tiny model reads")
                .allSatisfy(failed -> assertThat(failed.evaluation()).isEqualTo("made"))
                .allSatisfy(failed -> assertThat(failed.error()).contains("HT-314"));
        StudyStore store = StudyStore.open(out);
        // Full precision, four recipes, and rounding to 4 bits with a 4-bit cache, which the study does not name.
        assertThat(store.read("SELECT recipe FROM recipes ORDER BY position", rows -> rows.getString(1)))
                .containsExactly("full-precision", "kv8", "kv2", "rtn-w8kv4g16", "rtn-w4kv4g16", "gptq-w4kv4g16");
        assertThat(store.read(
                        "SELECT recipe || ' ' || cache_bits FROM results WHERE evaluation = 'test' AND kl > 0 AND techniques LIKE"
                                + " '%cache%int%per token and head%' ORDER BY ALL",
                        rows -> rows.getString(1)))
                .containsExactly("gptq-w4kv4g16 4", "kv2 2", "kv8 8", "rtn-w4kv4g16 4", "rtn-w8kv4g16 4");
        assertThat(store.read(
                        "SELECT a.kl < b.kl FROM results a, results b WHERE a.recipe = 'kv8' AND b.recipe = 'kv2' AND a.evaluation ="
                                + " 'test' AND b.evaluation = 'test'",
                        rows -> rows.getBoolean(1)))
                .containsExactly(true);
        assertThat(store.read(
                        "SELECT DISTINCT i.answer IS NOT NULL AND i.margin IS NULL AND i.score = i.is_right::INT FROM items i"
                                + " JOIN results r USING (cell) WHERE r.evaluation = 'written'",
                        rows -> rows.getBoolean(1)))
                .containsExactly(true);
        assertDialogue(store);
        StudyData data = StudyData.read(store);
        List<Tolerance> tolerance = Tolerance.of(data);
        assertThat(tolerance)
                .filteredOn(t -> t.evaluation().equals("items"))
                .hasSize(5)
                .allSatisfy(t -> assertThat(t.chance()).isEqualTo(0.5));
        assertThat(tolerance)
                .filteredOn(t -> t.evaluation().equals("written"))
                .allSatisfy(t -> assertThat(t.chance()).isZero());
        assertThat(Rules.judge(data, "tiny", "test"))
                .filteredOn(rule -> List.of("KV8", "KV2").contains(rule.setting()))
                .extracting(Rules.Judged::recipe)
                .containsExactly("kv8", "kv2");
    }

    /** Turns are items, and right is what full precision answers. */
    private static void assertDialogue(StudyStore store) {
        String dialogue = " FROM results r JOIN items i USING (cell) WHERE r.evaluation = 'chat' AND r.recipe ";
        assertThat(store.read(
                        "SELECT DISTINCT count(*) = 6 AND min(score) = 1 AND min(accuracy) = 1 AND min(accuracy_norm) = 1"
                                + dialogue + "= 'full-precision'",
                        rows -> rows.getBoolean(1)))
                .containsExactly(true);
        assertThat(store.read(
                        "SELECT DISTINCT i.answer IS NOT NULL AND i.score BETWEEN 0 AND 1 AND (NOT i.is_right_norm OR i.score"
                                + " = 1)" + dialogue + "<> 'full-precision'",
                        rows -> rows.getBoolean(1)))
                .containsExactly(true);
        assertThat(store.read("SELECT min(score) < 1" + dialogue + "= 'kv2'", rows -> rows.getBoolean(1)))
                .containsExactly(true);
    }

    @Test
    void anotherTypeMakesOtherCells() throws IOException {
        Path file = write(
                STUDY.substring(0, STUDY.indexOf("  - generate")).replace("kv2, rtn-w8kv4g16, gptq-w4kv4g16", "kv4"));
        Path out = directory.resolve("out");
        StudyRun.Summary first = TinyStudy.run(file, out, new TinyStudy.Told(), false);
        StudyRun.Options options = new StudyRun.Options("local", 2, false, Compute.of(ComputeType.BFLOAT16));
        StudyRun.Summary second = new StudyRun(StudyReader.read(file), out, options, new TinyStudy.Told()).run();
        assertThat(second.computed()).isEqualTo(first.cells());
        StudyStore store = StudyStore.open(out);
        assertThat(store.read("SELECT value FROM meta WHERE key = 'dtype'", rows -> rows.getString(1)))
                .containsExactly("bf16");
        assertThat(store.read("SELECT count(DISTINCT perplexity) FROM cells WHERE kl = 0", rows -> rows.getInt(1)))
                .containsExactly(2);
        assertThat(TinyStudy.run(file, out, new TinyStudy.Told(), false).computed())
                .isZero();
    }

    @Test
    void tasksThatCannotBeMeasuredAreRefusedWithTheirPlace() throws IOException {
        for (String entry : List.of(
                "choice: {task: magic, file: items.jsonl}|HT-610",
                "choice: {task: \"lines(lines=0)\"}|HT-313",
                "choice: {task: \"lines()\", file: items.jsonl}|HT-421",
                "generate: {task: generate}|HT-421")) {
            String[] parts = entry.split("\\|", -1);
            Path file = write(STUDY + "  - " + parts[0] + "\n");
            assertThatThrownBy(() -> StudyReader.read(file))
                    .hasMessageStartingWith(parts[1])
                    .hasMessageContaining("study.yaml:");
        }
    }

    private Path write(String yaml) throws IOException {
        Files.writeString(
                directory.resolve("items.jsonl"),
                "{\"context\": \"w1 w2\", \"choices\": [\"w3\", \"w4 w5\"], \"gold\": 1}\n".repeat(3));
        Files.writeString(
                directory.resolve("written.jsonl"),
                "{\"prompt\": \"w1 w2\", \"target\": \"w3\", \"max_tokens\": 4}\n".repeat(3));
        Files.writeString(
                directory.resolve("chat.jsonl"), "{\"turns\": [\"w1 w2\", \"w3 w4\"], \"max_tokens\": 4}\n".repeat(3));
        return TinyStudy.write(directory, yaml);
    }
}
