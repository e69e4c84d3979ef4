package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tasks whose answers are generated, and when an answer is right. */
class GenerationTasksTest {
    @TempDir
    private Path directory = Path.of("");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "EXACT| ' Paris '| Paris| 1",
                "EXACT| Paris.| Paris| 0",
                "LAST_INTEGER| line 3 has <417>, and not 12 but 98| 98| 1",
                "LAST_INTEGER| no number| 98| 0",
                "LAST_INTEGER| 98 or 417| 98| 0",
                "CONTAINS_SHARE| It is ABC and more| abc;xyz| 0.5",
                "CONTAINS_ANY| That was the Eiffel-Tower, I think| An eiffel tower;Louvre| 0",
                "CONTAINS_ANY| That was the Eiffel Tower!, I think| An eiffel tower;Louvre| 1",
                "MARKED_NUMBER| 3 + 4 = 7 #### 1,234.| x <<1+1=2>> #### 1234| 1",
                "MARKED_NUMBER| the answer is 1234| #### 1234| 0",
                "LAST_NUMBER| so she pays $1,234.| #### 1234| 1",
                "LAST_NUMBER| 12 and then 7| #### 12| 0",
                "LAST_NUMBER| nothing| #### 12| 0",
            })
    void rulesSayWhatIsRight(AnswerRule rule, String answer, String expected, double score) {
        assertThat(rule.score(answer, List.of(expected.split(";")))).isEqualTo(score);
    }

    @Test
    void filesAreReadAsTheyWerePublished() throws IOException {
        GenerationTasks.Task lines = read(
                "lines",
                "lines.jsonl",
                "{\"random_idx\": [\"a-b\", 0], \"expected_number\": 17, \"num_lines\": 1, \"correct_line\": \"x\", \"prompt\": \"p\"}");
        assertThat(lines.items().getFirst().expected()).containsExactly("17");
        assertThat(lines.items().getFirst().mostTokens()).isEqualTo(100);
        GenerationTasks.Task needle =
                read("needle", "needle.jsonl", "{\"input\": \"in\", \"outputs\": [\"1\", \"2\"]}");
        assertThat(needle.items().getFirst().rule()).isEqualTo(AnswerRule.CONTAINS_SHARE);
        GenerationTasks.Task own = read(
                "generate",
                "own.jsonl",
                "{\"prompt\": \"p\", \"target\": \"t\", \"stop\": [\";\"], \"max_tokens\": 3}");
        assertThat(own.items().getFirst())
                .isEqualTo(GenerationItem.of(
                        directory.resolve("own.jsonl") + ":1", "p", List.of("t"), AnswerRule.EXACT, List.of(";"), 3));
        GenerationTasks.Task chat = read("dialogue", "chat.jsonl", "{\"turns\": [\"Hi\", \"Why?\"]}");
        assertThat(chat.open()).isTrue();
        assertThat(chat.items().getFirst().turns())
                .containsExactly("User: Hi\n\nAssistant:", "\n\nUser: Why?\n\nAssistant:");
    }

    @Test
    void documentsComeFromAPackedFileInTheirOrder() throws IOException {
        Path file = directory.resolve("nq.jsonl.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write("""
                    {"question": "who", "answers": ["Ann"], "ctxs": [{"title": "A", "text": "one", "isgold": true}, {"title": "B", "text": "two", "isgold": false}]}
                    """.getBytes(StandardCharsets.UTF_8));
        }
        GenerationTasks.Task task = (GenerationTasks.Task)
                EvaluationTask.read("lost_in_the_middle:" + file).getFirst();
        assertThat(task.name()).isEqualTo("nq");
        assertThat(task.items().getFirst().turns().getFirst())
                .contains("Document [1] A: one\nDocument [2] B: two\n")
                .endsWith("\nQuestion: who\nAnswer:");
    }

    @Test
    void examplesStandBeforeEveryQuestionOfGsm8k() throws IOException {
        Path test =
                Files.writeString(directory.resolve("test.jsonl"), "{\"question\": \"q\", \"answer\": \"a #### 5\"}\n");
        assertThatThrownBy(() -> EvaluationTask.read("gsm8k:" + test))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-316 " + test);
        StringBuilder train = new StringBuilder();
        for (int i = 0; i < 7; i++) {
            train.append("{\"question\": \"q%d\", \"answer\": \"a%d #### %d\"}%n".formatted(i, i, i));
        }
        Files.writeString(directory.resolve("train.jsonl"), train);
        GenerationTasks.Task task =
                (GenerationTasks.Task) EvaluationTask.read("gsm8k:" + test).getFirst();
        assertThat(task.items().getFirst().turns().getFirst())
                .startsWith("Question: q0\nAnswer: a0 #### 0\n\nQuestion: q1\n")
                .contains("Question: q4\n")
                .doesNotContain("q5")
                .endsWith("\n\nQuestion: q\nAnswer:");
        assertThat(task.files()).hasSize(2);
    }

    @Test
    void madeTasksDependOnTheirArgumentsAlone() {
        List<EvaluationTask> tasks =
                EvaluationTask.read("lines(lines=12,items=5,seed=3),lines_choice(lines=12,items=5,seed=3),needle()");
        assertThat(tasks).extracting(EvaluationTask::kind).containsExactly("lines", "lines_choice", "needle");
        assertThat(tasks)
                .isEqualTo(EvaluationTask.read(
                        "lines(lines=12,items=5,seed=3),lines_choice(lines=12,items=5,seed=3),needle()"));
        GenerationTasks.Task lines = (GenerationTasks.Task) tasks.getFirst();
        ChoiceTasks.Task choices = (ChoiceTasks.Task) tasks.get(1);
        Set<String> prompts = new HashSet<>();
        Set<Integer> golds = new HashSet<>();
        for (int i = 0; i < 5; i++) {
            String prompt = lines.items().get(i).turns().getFirst();
            prompts.add(prompt);
            ChoiceItem item = choices.items().get(i);
            golds.add(item.gold());
            ChoiceItem.Option right = item.options().get(item.gold());
            assertThat(right.choice())
                    .isEqualTo("<" + lines.items().get(i).expected().getFirst() + ">");
            String asked = right.context().substring(right.context().lastIndexOf('\n') + 1);
            assertThat(prompt).contains(asked + " " + right.choice());
            assertThat(item.options()).hasSize(10).doesNotHaveDuplicates();
        }
        assertThat(prompts).hasSize(5);
        assertThat(golds).hasSizeGreaterThan(1);
        assertThat(EvaluationTask.read("lines(lines=12,items=5,seed=4)").getFirst())
                .isNotEqualTo(lines);
    }

    @Test
    void needlesAreAtAllDepths() {
        GenerationTasks.Task task = (GenerationTasks.Task)
                EvaluationTask.read("needle(sentences=30,items=4,needles=2)").getFirst();
        int before = -1;
        for (GenerationItem item : task.items()) {
            String prompt = item.turns().getFirst();
            assertThat(item.expected())
                    .hasSize(2)
                    .allSatisfy(value -> assertThat(prompt).contains("is: " + value + "."));
            int at = prompt.indexOf(item.expected().getFirst());
            assertThat(at).isGreaterThan(before);
            before = at;
        }
    }

    /** LongEval's own file scored by log-likelihood. */
    @Test
    void aRecordOfLinesBecomesAChoice() throws IOException {
        String prompt =
                "head\\nline a-b: REGISTER_CONTENT is <11>\\nline c-d: REGISTER_CONTENT is <22>\\nNow the record is over."
                        + " Tell me what is the <REGISTER_CONTENT> in line c-d? I need the number.";
        Path file = Files.writeString(directory.resolve("l.jsonl"), "{\"prompt\": \"" + prompt + "\"}");
        ChoiceItem item = ((ChoiceTasks.Task)
                        EvaluationTask.read("lines_choice:" + file).getFirst())
                .items()
                .getFirst();
        assertThat(item.gold()).isEqualTo(1);
        assertThat(item.options()).extracting(ChoiceItem.Option::choice).containsExactly("<11>", "<22>");
        assertThat(item.options().getFirst().context())
                .startsWith("head\nline a-b")
                .endsWith("<22>\nline c-d: REGISTER_CONTENT is");
    }

    @Test
    void minimalPairsAndNextSentencesAreChoices() throws IOException {
        ChoiceItem pair = ((ChoiceTasks.Task) EvaluationTask.read("minimal_pairs:"
                                + Files.writeString(
                                        directory.resolve("pairs.jsonl"),
                                        "{\"sentence_good\": \"He goes.\", \"sentence_bad\": \"He go.\"}"))
                        .getFirst())
                .items()
                .getFirst();
        assertThat(pair.options())
                .extracting(ChoiceItem.Option::context, ChoiceItem.Option::continuation)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("", "He goes."),
                        org.assertj.core.groups.Tuple.tuple("", "He go."));
        ChoiceItem next = ((ChoiceTasks.Task) EvaluationTask.read("next_sentence:"
                                + Files.writeString(
                                        directory.resolve("next.jsonl"),
                                        "{\"context\": \"a\", \"endings\": [\"b\", \"c\"], \"label\": 1}"))
                        .getFirst())
                .items()
                .getFirst();
        assertThat(next.gold()).isEqualTo(1);
    }

    @Test
    void whatCannotBeMadeIsRefused() {
        for (String made : List.of("lines(line=3)", "lines(lines=0)", "lines(lines=99999)", "poem(lines=3)")) {
            assertThatThrownBy(() -> EvaluationTask.read(made))
                    .isInstanceOf(InputException.class)
                    .hasMessageStartingWith("HT-313 " + made.substring(0, 4));
        }
        EvaluationTask.check("dialogue");
        assertThatThrownBy(() -> EvaluationTask.check("magic")).hasMessageStartingWith("HT-610");
        EvaluationTask.check("needle(items=3)");
    }

    /** By hand: "abc" and "abd" share 2 of 3 characters, 1 of 2 pairs, 0 of 1 triple, both ways. */
    @Test
    void charactersOverlap() {
        assertThat(CharacterOverlap.chrf("abc", "a b d")).isCloseTo((2.0 / 3 + 1.0 / 2) / 3, within(1e-12));
        assertThat(CharacterOverlap.chrf("the same", "the same")).isEqualTo(1);
        assertThat(CharacterOverlap.chrf("abc", "xyz")).isZero();
        assertThat(CharacterOverlap.chrf("", "xyz")).isZero();
        assertThat(CharacterOverlap.chrf(" ", "")).isEqualTo(1);
        assertThat(CharacterOverlap.chrf("abcd", "ab")).isLessThan(CharacterOverlap.chrf("ab", "ab"));
    }

    private GenerationTasks.Task read(String kind, String name, String content) throws IOException {
        Path file = Files.writeString(directory.resolve(name), content);
        return (GenerationTasks.Task) EvaluationTask.read(kind + ":" + file).getFirst();
    }
}
