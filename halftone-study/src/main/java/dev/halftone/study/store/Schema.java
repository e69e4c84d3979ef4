package dev.halftone.study.store;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The statements of {@code schema.sql}. */
final class Schema {
    /** Raised whenever a table changes. */
    static final int VERSION = 2;

    /** In the order of the file. */
    static final List<String> TABLES = List.of(
            "meta",
            "models",
            "recipes",
            "sets",
            "draws",
            "distances",
            "evaluations",
            "grid",
            "cells",
            "windows",
            "items",
            "maps",
            "sites");

    private Schema() {}

    static List<String> statements() {
        try (InputStream in = Schema.class.getResourceAsStream("schema.sql")) {
            if (in == null) {
                throw new IllegalStateException("schema.sql is missing from the jar");
            }
            String sql = new String(in.readAllBytes(), StandardCharsets.UTF_8);
            return Arrays.stream(sql.split(";\\R"))
                    .map(statement -> statement
                            .lines()
                            .filter(line -> !line.startsWith("--"))
                            .reduce("", (all, line) -> all + line + "\n")
                            .strip())
                    .filter(statement -> !statement.isEmpty())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
