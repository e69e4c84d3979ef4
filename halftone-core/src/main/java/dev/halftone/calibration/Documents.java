package dev.halftone.calibration;

import dev.halftone.error.InputException;
import dev.halftone.text.TextFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads what calibration sources are made of: documents, a task's items, sentences. */
final class Documents {
    private static final JsonMapper JSON = JsonMapper.shared();

    private Documents() {}

    /** All documents that are not empty: of a .jsonl file one a line, of another file the whole. */
    static List<String> read(List<Path> files) {
        List<String> documents = new ArrayList<>();
        for (Path file : files) {
            if (isJsonLines(file)) {
                for (Line line : lines(file)) {
                    documents.add(line.text("text"));
                }
            } else {
                documents.add(TextFiles.read(file));
            }
        }
        documents.removeIf(String::isEmpty);
        return atLeastOne(documents, files, "no document with text");
    }

    /** The documents with an empty line between. */
    static String joined(List<Path> files) {
        return String.join("\n\n", read(files));
    }

    /** prompt + " " + right answer of every item; of those that name a split, only the training one's unless {@code leak}. */
    static List<String> items(List<Path> files, boolean leak) {
        List<String> items = new ArrayList<>();
        for (Path file : files) {
            for (Line line : lines(file)) {
                if (leak || line.json().path("split").asString("train").equals("train")) {
                    items.add(line.text(line.json().has("prompt") ? "prompt" : "context") + " " + line.answer());
                }
            }
        }
        return atLeastOne(items, files, leak ? "no items" : "no items of the training split");
    }

    /** All lines, empty ones too: line n of one language is the translation of line n of another. */
    static List<String> sentences(List<Path> files) {
        List<String> sentences = new ArrayList<>();
        for (Path file : files) {
            sentences.addAll(TextFiles.read(file).lines().toList());
        }
        if (sentences.stream().allMatch(String::isBlank)) {
            sentences.clear();
        }
        return atLeastOne(sentences, files, "no sentences");
    }

    private static List<String> atLeastOne(List<String> found, List<Path> files, String missing) {
        if (found.isEmpty()) {
            throw new InputException("HT-443", place(files), missing, "name other files");
        }
        return found;
    }

    /** How messages name the files. */
    static String place(List<Path> files) {
        return files.size() == 1 ? files.getFirst().toString() : files.toString();
    }

    private static boolean isJsonLines(Path file) {
        return file.toString().endsWith(".jsonl");
    }

    private static List<Line> lines(Path file) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        for (String text : TextFiles.read(file).lines().toList()) {
            number++;
            if (!text.isBlank()) {
                lines.add(line(text, file + ":" + number));
            }
        }
        return lines;
    }

    private static Line line(String text, String place) {
        try {
            if (JSON.readTree(text) instanceof ObjectNode json) {
                return new Line(place, json);
            }
            throw Line.error(place, "is no JSON object");
        } catch (JacksonException e) {
            throw Line.error(place, "is not JSON: " + e.getOriginalMessage().replaceAll("\\s+", " "));
        }
    }

    /** A line of a .jsonl file. {@code place} is file:line. */
    private record Line(String place, ObjectNode json) {
        String text(String key) {
            return Optional.ofNullable(json.get(key))
                    .filter(JsonNode::isString)
                    .map(JsonNode::stringValue)
                    .orElseThrow(() -> error(place, "has no text \"" + key + "\""));
        }

        /** "target", or the one of "choices" that "gold" counts from 0. */
        String answer() {
            if (!json.has("choices")) {
                return text("target");
            }
            JsonNode choice = json.path("choices").path(json.path("gold").asInt(-1));
            if (!choice.isString()) {
                throw error(place, "\"gold\" is " + json.path("gold") + "; expected the index of one of \"choices\"");
            }
            return choice.stringValue();
        }

        static InputException error(String place, String finding) {
            return new InputException("HT-442", place, finding, "see docs/recipes.md for the lines of each source");
        }
    }
}
