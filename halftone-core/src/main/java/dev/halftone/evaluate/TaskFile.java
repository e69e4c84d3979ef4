package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import dev.halftone.text.TextFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A file of items: one JSON object per line, one JSON array of objects, or, where a format has it, one text per line. */
final class TaskFile {
    private static final JsonMapper JSON = JsonMapper.shared();

    private TaskFile() {}

    /** A line that is not blank. */
    record Line(String text, String place) {}

    static List<Line> lines(Path file) {
        return lines(text(file), file);
    }

    /**
     * The objects of a file.
     *
     * @throws InputException HT-611 for what is none, HT-615 if there are none
     */
    static List<TaskEntry> entries(Path file) {
        String text = text(file);
        List<TaskEntry> entries = new ArrayList<>();
        if (text.stripLeading().startsWith("[")) {
            JsonNode array = parse(new Line(text, file.toString()));
            for (int i = 0; i < array.size(); i++) {
                entries.add(object(array.get(i), file + " item " + (i + 1)));
            }
        } else {
            for (Line line : lines(text, file)) {
                entries.add(object(parse(line), line.place()));
            }
        }
        if (entries.isEmpty()) {
            throw new InputException("HT-615", file.toString(), "holds no item", "name another file");
        }
        return entries;
    }

    /** A file that is one JSON object. */
    static TaskEntry whole(Path file) {
        return object(parse(new Line(text(file), file.toString())), file.toString());
    }

    static String text(Path file) {
        String text = file.toString().endsWith(".gz") ? unpacked(file) : TextFiles.read(file);
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private static String unpacked(Path file) {
        try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new InputException(
                    "HT-265",
                    file.toString(),
                    "cannot be unpacked (" + e + "); expected a gzip file",
                    "check the path");
        }
    }

    /** Lines end with LF or CR LF only: a JSON string may hold other line separators. */
    private static List<Line> lines(String text, Path file) {
        List<Line> lines = new ArrayList<>();
        int number = 0;
        int start = 0;
        while (start < text.length()) {
            int end = text.indexOf('\n', start);
            end = end < 0 ? text.length() : end;
            number++;
            String line = text.substring(start, end);
            line = line.endsWith("\r") ? line.substring(0, line.length() - 1) : line;
            if (!line.isBlank()) {
                lines.add(new Line(line, file + ":" + number));
            }
            start = end + 1;
        }
        return lines;
    }

    private static JsonNode parse(Line line) {
        try {
            return JSON.readTree(line.text());
        } catch (JacksonException e) {
            String found = "is not JSON: " + e.getOriginalMessage().replaceAll("\\s+", " ");
            throw new InputException("HT-611", line.place(), found, "expected one JSON object per line");
        }
    }

    private static TaskEntry object(JsonNode node, String place) {
        if (!node.isObject()) {
            throw new InputException("HT-611", place, "is no JSON object", "expected one JSON object per line");
        }
        return new TaskEntry(node, place);
    }
}
