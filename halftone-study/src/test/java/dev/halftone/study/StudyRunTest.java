package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import dev.halftone.study.plan.StudyReader;
import dev.halftone.study.run.StudyRun;
import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StudyRunTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void aStudyRunsOnceIsKeptAndGivesTheSameFiguresElsewhere() throws IOException {
        Path file = TinyStudy.write(directory);
        Path out = directory.resolve("out");
        TinyStudy.Told told = new TinyStudy.Told();
        StudyRun.Summary first = TinyStudy.run(file, out, told, false);
        // Per model: as it is, two roundings, two methods on two draws of two sets.
        assertThat(first.cells()).isEqualTo(2 * (1 + 2 + 2 * 4));
        assertThat(first.computed()).isEqualTo(first.cells());
        assertThat(first.failures()).isEmpty();
        assertThat(told.jobs.subList(0, 3)).containsExactly("full-precision", "rtn-w3g16", "gptq-w3");
        Map<String, String> figures = TinyStudy.figures(out);
        assertThat(figures).hasSize(2 * 5 * 4);

        TinyStudy.Told again = new TinyStudy.Told();
        StudyRun.Summary second = TinyStudy.run(file, out, again, false);
        assertThat(second.computed()).isZero();
        assertThat(second.kept()).isEqualTo(first.cells());
        assertThat(again.jobs).isEmpty();
        assertThat(TinyStudy.figures(out)).isEqualTo(figures);

        // Another executor, found as a service: jobs and results cross as bytes, the last job first, on one thread.
        Path elsewhere = directory.resolve("elsewhere");
        new StudyRun(StudyReader.read(file), elsewhere, new StudyRun.Options("copying", 1, false), new TinyStudy.Told())
                .run();
        assertThat(TinyStudy.figures(elsewhere)).isEqualTo(figures);
    }

    @Test
    void recipesWithoutDataHaveOneResultInAllRowsAndTheSameDrawGoesToEveryMethod() throws IOException {
        Path out = TinyStudy.shared();
        StudyStore store = StudyStore.open(out);
        List<String> free = store.read(
                "SELECT model || ' ' || recipe FROM results WHERE data_free AND evaluation = 'test' GROUP BY model, recipe HAVING"
                        + " count(DISTINCT kl) = 1 AND count(DISTINCT cell) = 1 AND count(*) = 4",
                rows -> rows.getString(1));
        assertThat(free).hasSize(2 * 3);
        List<Integer> different = store.read(
                "SELECT count(DISTINCT cell) FROM results WHERE NOT data_free AND evaluation = 'test' GROUP BY model, recipe",
                rows -> rows.getInt(1));
        assertThat(different).containsExactly(4, 4, 4, 4);
        // Every method of a draw was given the draw's hash, and the file has these token ids.
        List<String> hashes = store.read(
                "SELECT DISTINCT provenance->'settings'->>'draw_sha256' FROM results WHERE NOT data_free AND model ="
                        + " 'natural'",
                rows -> rows.getString(1));
        List<String> drawn =
                store.read("SELECT DISTINCT sha256 FROM draws WHERE model = 'natural'", rows -> rows.getString(1));
        assertThat(new HashSet<>(hashes)).hasSize(4).isEqualTo(new HashSet<>(drawn));
        List<String> files = store.read("SELECT DISTINCT file FROM draws", rows -> rows.getString(1));
        assertThat(files)
                .hasSize(8)
                .allSatisfy(name -> assertThat(out.resolve(name)).content().contains("\"sequences\":["));
    }

    @Test
    void injectedOutliersChangeNothingInFullPrecisionAndBreakRoundingToEightBits() throws IOException {
        StudyStore store = StudyStore.open(TinyStudy.shared());
        Map<String, Double> kl = new TreeMap<>();
        store.read(
                "SELECT DISTINCT model || ' ' || recipe, kl, ln(perplexity) FROM results WHERE evaluation = 'test' AND set_name = 'words'"
                        + " AND draw = 0",
                rows -> {
                    kl.put(rows.getString(1), rows.getDouble(2));
                    return kl.put("ln " + rows.getString(1), rows.getDouble(3));
                });
        assertThat(kl.getOrDefault("ln injected full-precision", 0.0))
                .isCloseTo(
                        kl.getOrDefault("ln natural full-precision", 1.0), org.assertj.core.data.Offset.offset(1e-4));
        assertThat(kl.getOrDefault("injected rtn-w8a8-sym-wide", 0.0))
                .isGreaterThan(4 * kl.getOrDefault("natural rtn-w8a8-sym-wide", 1.0));
        assertThat(kl.getOrDefault("injected smoothquant", 1.0))
                .isLessThan(kl.getOrDefault("injected rtn-w8a8-sym-wide", 0.0));
    }

    @Test
    void aCellThatCannotBeComputedIsRecordedAndRetriedWhenAsked() throws IOException {
        // 20 does not divide the 32 inputs of a layer.
        Path file = TinyStudy.write(
                directory,
                TinyStudy.yaml()
                        .replace(
                                "gptq-w3: gptq-w3g16",
                                "broken: |\n    steps:\n      - weights: {method: rtn," + " format: int3, group: 20}"));
        Path out = directory.resolve("out");
        StudyRun.Summary summary = TinyStudy.run(file, out, new TinyStudy.Told(), false);
        assertThat(summary.failures()).hasSize(2);
        assertThat(summary.failures().getFirst().error()).contains("HT-431", "a group of 20");
        assertThat(summary.failures().getFirst().recipe()).isEqualTo("broken");
        TinyStudy.Told kept = new TinyStudy.Told();
        assertThat(TinyStudy.run(file, out, kept, false).failures()).hasSize(2);
        assertThat(kept.jobs).isEmpty();
        TinyStudy.Told retried = new TinyStudy.Told();
        assertThat(TinyStudy.run(file, out, retried, true).failures()).hasSize(2);
        assertThat(retried.jobs).containsExactly("broken", "broken");
    }

    @Test
    void anotherEvaluationAddsCellsAndKeepsTheOthers() throws IOException {
        Path file = TinyStudy.write(directory);
        Path out = directory.resolve("out");
        int before = TinyStudy.run(file, out, new TinyStudy.Told(), false).cells();
        Files.writeString(
                directory.resolve("items.jsonl"),
                "{\"context\": \"w1 w2\", \"choices\": [\"w3\", \"w4 w5\"], \"gold\": 1}\n".repeat(3));
        TinyStudy.write(directory, TinyStudy.yaml() + "  - choice: {file: items.jsonl}\n");
        StudyRun.Summary after = TinyStudy.run(file, out, new TinyStudy.Told(), false);
        assertThat(after.cells()).isEqualTo(2 * before);
        assertThat(after.kept()).isEqualTo(before);
        StudyStore store = StudyStore.open(out);
        assertThat(store.read(
                        "SELECT DISTINCT accuracy FROM results WHERE evaluation = 'items'", rows -> rows.getDouble(1)))
                .isNotEmpty()
                .isSubsetOf(0.0, 1.0);
        assertThat(store.read("SELECT count(*) FROM items", rows -> rows.getInt(1)))
                .containsExactly(3 * before);
        Path exported = Files.createDirectories(directory.resolve("exported"));
        assertThat(store.export("parquet", exported))
                .allSatisfy(path -> assertThat(path).isNotEmptyFile());
        assertThat(store.export("csv", exported).getLast())
                .content()
                .startsWith("model,recipe,set_name,draw,evaluation,");
    }

    @Test
    void twoRunsInOneDirectoryAreRefusedAndSoAreNamesThatDoNotExist() throws IOException {
        Path file = TinyStudy.write(directory);
        Path out = directory.resolve("out");
        TinyStudy.Told nested = new TinyStudy.Told() {
            @Override
            public void preparing(String what, int done, int total) {
                assertThatThrownBy(() -> TinyStudy.run(file, out, new TinyStudy.Told(), false))
                        .isInstanceOf(InputException.class)
                        .hasMessageContaining("HT-661");
                jobs.add("refused");
                throw new IllegalStateException("enough");
            }
        };
        assertThatThrownBy(() -> TinyStudy.run(file, out, nested, false)).hasMessage("enough");
        assertThat(nested.jobs).containsExactly("refused");
        assertThatThrownBy(() -> new StudyRun(
                                StudyReader.read(file), out, new StudyRun.Options("mesos://x", 1, false), nested)
                        .run())
                .hasMessageContaining("HT-665")
                .hasMessageContaining("local");
        assertThatThrownBy(() -> StudyStore.open(directory)).hasMessageContaining("HT-662");
        Path contradictory = TinyStudy.write(directory, TinyStudy.yaml().replace("seed: 3", "default: prose"));
        assertThatThrownBy(() -> StudyReader.read(contradictory))
                .hasMessageContaining("HT-660")
                .hasMessageContaining("prose");
    }

    @Test
    void theQueriesOfTheDocumentationRunAndFindSomething() throws IOException {
        Path root = Path.of(System.getProperty("halftone.root", ".."));
        String text = Files.readString(root.resolve("docs/studies.md"));
        String block = text.substring(
                text.indexOf("```sql") + "```sql".length(), text.indexOf("```", text.indexOf("```sql") + 3));
        StudyStore store = StudyStore.open(TinyStudy.shared());
        List<String> queries = block.replace("sotu.test", "test")
                .lines()
                .filter(line -> !line.startsWith("--"))
                .collect(java.util.stream.Collectors.joining("\n"))
                .transform(sql -> List.of(sql.strip().split(";\\s*")));
        assertThat(queries)
                .hasSize(3)
                .allSatisfy(query ->
                        assertThat(store.read(query, rows -> rows.getString(1))).isNotEmpty());
    }
}
