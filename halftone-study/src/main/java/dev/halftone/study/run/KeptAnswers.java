package dev.halftone.study.run;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.GenerationItem;
import dev.halftone.evaluate.GenerationScores;
import dev.halftone.evaluate.GenerationScores.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** Answers of a full-precision model that are kept: a JSON list of the items' lists of answers, one a turn. */
final class KeptAnswers {
    private static final JsonMapper JSON = new JsonMapper();

    private KeptAnswers() {}

    private record File(List<List<Answer>> answers) {}

    /** @param work of this process, where the file is until it is whole */
    static void write(Path work, Path file, GenerationScores scores) {
        Path beside = work.resolve(String.valueOf(file.getFileName()));
        try {
            Files.writeString(beside, JSON.writeValueAsString(new File(scores.answers())));
        } catch (IOException e) {
            throw StudyDirectory.unwritable(file, e);
        }
        // Others may have made the same file by now: it has the same bytes.
        StudyDirectory.move(beside, file);
    }

    /** @throws InputException HT-667 if the file holds no answers to these questions */
    static GenerationScores read(Path file, List<GenerationItem> items) {
        try {
            List<List<Answer>> answers =
                    JSON.readValue(file.toFile(), File.class).answers();
            if (answers.size() == items.size()) {
                return new GenerationScores(items, answers);
            }
            throw damaged(file, "has answers to %d questions; expected %d".formatted(answers.size(), items.size()));
        } catch (JacksonException e) {
            throw damaged(file, "cannot be read: " + e.getOriginalMessage());
        }
    }

    private static InputException damaged(Path file, String finding) {
        return new InputException("HT-667", file.toString(), finding, "delete it and run the study again");
    }
}
