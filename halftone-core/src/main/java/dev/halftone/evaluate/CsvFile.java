package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Comma-separated values by RFC 4180: a field in quotes may hold commas, line ends and, doubled, quotes. */
final class CsvFile {
    private final String text;
    private final String file;
    private int at;
    private int line = 1;

    private CsvFile(String text, String file) {
        this.text = text;
        this.file = file;
    }

    /** A record and where it begins, for messages. */
    record Row(List<String> fields, String place) {}

    /**
     * All records.
     *
     * @throws InputException HT-615 if there are none, HT-611 for a quote that does not end
     */
    static List<Row> rows(Path file) {
        CsvFile reader = new CsvFile(TaskFile.text(file), file.toString());
        List<Row> rows = new ArrayList<>();
        while (reader.at < reader.text.length()) {
            String place = file + ":" + reader.line;
            List<String> fields = reader.record();
            if (!fields.equals(List.of(""))) {
                rows.add(new Row(fields, place));
            }
        }
        if (rows.isEmpty()) {
            throw new InputException("HT-615", file.toString(), "holds no item", "name another file");
        }
        return rows;
    }

    /**
     * The records behind the first, by its fields.
     *
     * @throws InputException HT-612 for a record of another length
     */
    static List<Map<String, String>> named(Path file) {
        List<Row> rows = rows(file);
        List<String> names = rows.getFirst().fields();
        List<Map<String, String>> all = new ArrayList<>();
        for (Row row : rows.subList(1, rows.size())) {
            if (row.fields().size() != names.size()) {
                throw new InputException(
                        "HT-612",
                        row.place(),
                        "%d fields; the first line names %d"
                                .formatted(row.fields().size(), names.size()),
                        "correct the line");
            }
            Map<String, String> named = new HashMap<>();
            for (int i = 0; i < names.size(); i++) {
                named.put(names.get(i), row.fields().get(i));
            }
            named.put("", row.place());
            all.add(named);
        }
        return all;
    }

    private List<String> record() {
        List<String> fields = new ArrayList<>();
        while (true) {
            fields.add(field());
            if (at >= text.length()) {
                return fields;
            }
            char end = text.charAt(at++);
            if (end == '\n') {
                line++;
                return fields;
            }
        }
    }

    /** Up to a comma or the end of the line, which are not read. */
    private String field() {
        if (at < text.length() && text.charAt(at) == '"') {
            return quoted();
        }
        int start = at;
        while (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '\n') {
            at++;
        }
        String field = text.substring(start, at);
        return field.endsWith("\r") ? field.substring(0, field.length() - 1) : field;
    }

    private String quoted() {
        int begun = line;
        StringBuilder field = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            boolean doubled = c == '"' && at + 1 < text.length() && text.charAt(at + 1) == '"';
            if (c == '"' && !doubled) {
                at++;
                if (at < text.length() && text.charAt(at) == '\r') {
                    at++;
                }
                if (at < text.length() && text.charAt(at) != ',' && text.charAt(at) != '\n') {
                    break;
                }
                return field.toString();
            }
            line += c == '\n' ? 1 : 0;
            at += doubled ? 1 : 0;
            field.append(c);
        }
        throw new InputException(
                "HT-611", file + ":" + begun, "a field in quotes does not end", "double the quotes inside it");
    }
}
