package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.ChoiceItem.Option;
import dev.halftone.evaluate.ChoiceTasks.Task;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChoiceTasksTest {
    @TempDir
    private Path directory = Path.of("");

    @Test
    void customItemsHaveAContextChoicesAndTheIndexOfTheRightOne() throws IOException {
        Task task = read("custom", "own.jsonl", """
                {"context": "The sky is", "choices": ["blue", "green"], "gold": 0}

                {"context": "2 + 2 =", "choices": ["3", "4", "5"], "gold": "1"}
                """);
        assertThat(task.name()).isEqualTo("own");
        assertThat(task.kind()).isEqualTo("custom");
        assertThat(task.cloze()).isFalse();
        assertThat(task.items()).hasSize(2);
        assertThat(task.items().get(1).place()).endsWith("own.jsonl:3");
        assertThat(task.items().get(1).gold()).isEqualTo(1);
        assertThat(task.items().get(1).options()).first().satisfies(option -> {
            assertThat(option.context()).isEqualTo("2 + 2 =");
            assertThat(option.continuation()).isEqualTo(" 3");
            assertThat(option.choice()).isEqualTo("3");
        });
        refused("HT-613 %s:1: the right answer is number 2 counted from 0; there are 2 choices", "custom", """
                {"context": "c", "choices": ["a", "b"], "gold": 2}""");
        refused("HT-612 %s:2: \"choices\" is missing; expected an array of at least 2 strings", "custom", """
                {"context": "c", "choices": ["a", "b"], "gold": 1}
                {"context": "c", "gold": 1}""");
        refused("HT-611 %s:2: is not JSON", "custom", """
                {"context": "c", "choices": ["a", "b"], "gold": 1}
                {"context": "c", "choices":""");
        refused("HT-611 %s:1: is no JSON object", "custom", "\"text\"");
    }

    @Test
    void customClozesHaveATargetAndOneSpaceInFrontOfIt() throws IOException {
        Task task = read("custom", "cloze.jsonl", """
                {"context": "The sky is", "target": "blue"}
                {"context": "The sky is", "target": " blue"}
                {"context": "The sky is ", "target": "blue"}
                {"context": "", "target": "blue"}
                """);
        assertThat(task.cloze()).isTrue();
        assertThat(task.items())
                .extracting(item -> item.options().getFirst())
                .extracting(Option::continuation)
                .containsExactly(" blue", " blue", "blue", "blue");
        refused("HT-619 %s:2: ", "custom", """
                {"context": "c", "choices": ["a", "b"], "gold": 1}
                {"context": "c", "target": "b"}""");
        refused("HT-612 %s:1: \"target\" is 3; expected a string", "custom", "{\"context\": \"c\", \"target\": 3}");
    }

    @Test
    void piqaTakesItsLabelsFromTheFileBesideOrFromTheRecords() throws IOException {
        String records = """
                {"goal": "dry a cup", "sol1": "use a towel", "sol2": "use soup"}
                {"goal": "boil water", "sol1": "freeze it", "sol2": "heat it"}
                """;
        Files.writeString(directory.resolve("valid-labels.lst"), "0\n1\n");
        Task task = read("piqa", "valid.jsonl", records);
        assertThat(task.files()).hasSize(2);
        assertThat(task.items()).extracting(ChoiceItem::gold).containsExactly(0, 1);
        assertThat(task.items().getFirst().options().getFirst())
                .isEqualTo(new Option("Question: dry a cup\nAnswer:", " ", "use a towel"));
        Task flat = read("piqa", "hub.jsonl", """
                {"goal": "g", "sol1": "a", "sol2": "b", "label": 1}""");
        assertThat(flat.items().getFirst().gold()).isEqualTo(1);

        refused("HT-614 %s: has no \"label\"", "piqa", records);
        Files.writeString(directory.resolve("valid-labels.lst"), "0\n");
        assertThatThrownBy(() -> read("piqa", "valid.jsonl", records))
                .hasMessageContaining("HT-614")
                .hasMessageContaining("1 labels for 2 items");
        Files.writeString(directory.resolve("valid-labels.lst"), "0\n2\n");
        assertThatThrownBy(() -> read("piqa", "valid.jsonl", records))
                .hasMessageContaining("valid-labels.lst:2: \"2\" is no label");
        refused("HT-612 %s:1: \"sol2\" is missing; expected a string", "piqa", """
                {"goal": "g", "sol1": "a", "label": 0}""");
    }

    @Test
    void hellaswagIsCleanedAndItsSecondSentenceCapitalizedAsInPython() throws IOException {
        Task task = read("hellaswag", "hellaswag_val.jsonl", """
                {"activity_label": "Baking", "ctx_a": "A man [step] bakes.", "ctx_b": "the MAN", "label": 2, \
                "endings": ["eats.", " [title] Cut it. [x] now  then", "sits [a] [b] down.", "is. [title] Next"]}
                {"activity_label": "B", "ctx_a": "A.", "ctx_b": "", "label": "0", "endings": ["a", "b", "c", "d"]}
                """);
        ChoiceItem item = task.items().getFirst();
        assertThat(item.gold()).isEqualTo(2);
        assertThat(item.options().getFirst().context()).isEqualTo("Baking: A man bakes. The man");
        // Two spaces become one, once; a mark at the very beginning has lost its space, so it is only deleted.
        assertThat(item.options())
                .extracting(Option::choice)
                .containsExactly("eats.", " Cut it. now then", "sits  down.", "is.. Next");
        assertThat(task.items().get(1).options().getFirst().context()).isEqualTo("B: A.");
        refused("HT-612 %s:1: \"label\" is \"\"; expected an integer", "hellaswag", """
                {"activity_label": "B", "ctx_a": "A.", "ctx_b": "", "label": "", "endings": ["a", "b"]}""");
    }

    @Test
    void arcAndOpenbookqaFindTheRightChoiceByItsLabelInBothLayouts() throws IOException {
        String published = """
                {"id": "1", "question": {"stem": "Which is hot?", "choices": [{"text": "ice", "label": "A"}, \
                {"text": "fire", "label": "B"}, {"text": "snow", "label": "C"}]}, "answerKey": "B"}
                {"id": "2", "question": {"stem": "Which?", "choices": [{"text": "x", "label": "1"}, \
                {"text": "y", "label": "2"}]}, "answerKey": "1"}
                """;
        Task arc = read("arc_challenge", "ARC-Challenge-Test.jsonl", published);
        assertThat(arc.kind()).isEqualTo("arc_challenge");
        assertThat(arc.items()).extracting(ChoiceItem::gold).containsExactly(1, 0);
        assertThat(arc.items().getFirst().options().get(1))
                .isEqualTo(new Option("Question: Which is hot?\nAnswer:", " ", "fire"));
        assertThat(read("openbookqa", "test.jsonl", published)
                        .items()
                        .getFirst()
                        .options()
                        .getFirst()
                        .context())
                .isEqualTo("Which is hot?");
        Task hub = read("arc", "hub.jsonl", """
                {"question": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "B"}""");
        assertThat(hub.items().getFirst().gold()).isEqualTo(1);
        Task hubBook = read("openbookqa", "hub2.jsonl", """
                {"question_stem": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "A"}""");
        assertThat(hubBook.items().getFirst().options().getFirst().context()).isEqualTo("Q");
        refused("HT-613 %s:1: the right answer is \"E\"; the 2 choices are labelled [A, B]", "arc", """
                {"question": "Q", "choices": {"text": ["x", "y"], "label": ["A", "B"]}, "answerKey": "E"}""");
        refused("HT-612 %s:1: \"choices\" is missing; expected an object", "arc", """
                {"question": "Q", "answerKey": "E"}""");
    }

    @Test
    void winograndeHasTwoContextsAndOneContinuation() throws IOException {
        Task task = read("winogrande", "dev.jsonl", """
                {"qID": "1", "sentence": "Ann beat Bea as _ was fast .", "option1": "Ann", "option2": "Bea", \
                "answer": "1"}
                """);
        ChoiceItem item = task.items().getFirst();
        assertThat(item.gold()).isZero();
        assertThat(item.options())
                .containsExactly(
                        new Option("Ann beat Bea as Ann", " ", "was fast ."),
                        new Option("Ann beat Bea as Bea", " ", "was fast ."));
        refused("HT-612 %s:1: \"sentence\" has no \"_\"", "winogrande", """
                {"sentence": "no blank", "option1": "a", "option2": "b", "answer": "1"}""");
        refused("HT-613 %s:1: ", "winogrande", """
                {"sentence": "a _", "option1": "a", "option2": "b", "answer": "3"}""");
    }

    @Test
    void boolqAsksForNoOrYes() throws IOException {
        Task task = read("boolq", "dev.jsonl", """
                {"question": "is ice cold", "title": "Ice", "answer": true, "passage": "Ice is cold."}
                {"question": "is ice hot", "idx": 3, "label": false, "passage": "Ice is cold."}
                {"question": "is ice hot", "idx": 3, "label": 0, "passage": "Ice is cold."}
                """);
        assertThat(task.items()).extracting(ChoiceItem::gold).containsExactly(1, 0, 0);
        assertThat(task.items().getFirst().options())
                .containsExactly(
                        new Option("Ice is cold.\nQuestion: is ice cold?\nAnswer:", " ", "no"),
                        new Option("Ice is cold.\nQuestion: is ice cold?\nAnswer:", " ", "yes"));
        refused("HT-612 %s:1: \"label\" is 2; expected true or false", "boolq", """
                {"question": "q", "passage": "p", "label": 2}""");
    }

    @Test
    void sciqIsReadFromAJsonArrayToo() throws IOException {
        Task task = read("sciq", "test.json", """
                [
                  {"question": "What melts?", "distractor1": "a", "distractor2": "b", "distractor3": "c",
                   "correct_answer": "ice", "support": " Ice melts."}
                ]
                """);
        ChoiceItem item = task.items().getFirst();
        assertThat(item.gold()).isEqualTo(3);
        assertThat(item.options().get(3))
                .isEqualTo(new Option("Ice melts.\nQuestion: What melts?\nAnswer:", " ", "ice"));
        refused("HT-612 %s item 1: \"question\" is missing", "sciq", "[{\"support\": \"\"}]");
        refused("HT-615 %s: holds no item", "sciq", "[]");
    }

    @Test
    void lambadaAsksForTheLastWordOfAPassage() throws IOException {
        Task json = read("lambada_openai", "lambada_test.jsonl", """
                {"text": "one two\\nthree four"}
                """);
        Task plain = read("lambada", "lambada_test_plain_text.txt", "one two three four \r\n\nfive six\r\n");
        assertThat(json.cloze()).isTrue();
        assertThat(json.items().getFirst().options()).containsExactly(new Option("one two\nthree", " ", "four"));
        assertThat(plain.items().getFirst().options()).containsExactly(new Option("one two three", " ", "four"));
        assertThat(plain.items()).hasSize(2);
        refused("HT-612 %s:2: the passage has only one word", "lambada", "one two\nalone\n");
    }

    @Test
    void severalTasksAreGivenWithCommasAndTheArgumentIsChecked() throws IOException {
        Path one = write("a,b.jsonl", "{\"context\": \"c\", \"target\": \"t\"}");
        Path two = write("c.txt", "one two");
        List<EvaluationTask> tasks = EvaluationTask.read("custom:" + one + ",lambada:" + two);
        assertThat(tasks).extracting(EvaluationTask::name).containsExactly("a,b", "c");
        assertThatThrownBy(() -> EvaluationTask.read("magic:" + one))
                .hasMessageStartingWith("HT-610 --tasks: \"magic\"; known are custom, piqa, hellaswag, arc, arc_easy");
        assertThatThrownBy(() -> EvaluationTask.read(one.toString())).hasMessageStartingWith("HT-610 --tasks: ");
        assertThatThrownBy(() -> EvaluationTask.read("custom:")).hasMessageContaining("expected KIND:FILE");
        assertThatThrownBy(() -> EvaluationTask.read("custom:" + directory.resolve("none")))
                .hasMessageStartingWith("HT-265");
    }

    @Test
    void aByteOrderMarkAndOtherLineSeparatorsDoNotBreakLines() throws IOException {
        Task task = read("custom", "marked.jsonl", "\uFEFF{\"context\": \"a\u2028b\u0085c\", \"target\": \"t\"}\r\n");
        assertThat(task.items().getFirst().options().getFirst().context()).isEqualTo("a\u2028b\u0085c");
    }

    private Task read(String kind, String name, String content) throws IOException {
        return (Task) EvaluationTask.read(kind + ":" + write(name, content)).getFirst();
    }

    private Path write(String name, String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    /** @param message with %s for the file */
    private void refused(String message, String kind, String content) throws IOException {
        Path file = write("broken.jsonl", content);
        assertThatThrownBy(() -> EvaluationTask.read(kind + ":" + file))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message.formatted(file));
    }
}
