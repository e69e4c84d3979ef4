package dev.halftone.app;

import dev.halftone.error.InputException;
import dev.halftone.provenance.Provenance;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Option;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Options that every command has. */
final class CommonOptions {
    private static final JsonMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    private static final JsonMapper JSON_LINES =
            JSON.rebuild().disable(SerializationFeature.INDENT_OUTPUT).build();

    @Option(names = "--json", description = "print one JSON document on standard output")
    boolean json;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "worker threads (default: all ${DEFAULT-VALUE} cores); results do not depend on it")
    int threads = Runtime.getRuntime().availableProcessors();

    /** Prints a record as the command's JSON document. */
    static void print(PrintWriter out, Object document) {
        out.println(JSON.writeValueAsString(document));
        out.flush();
    }

    /** SHA-256 of files by "ROLE NUMBER NAME": texts of different roles or folders may have one name. */
    static Map<String, String> hashes(String role, List<Path> files) {
        Map<String, String> hashes = new TreeMap<>();
        for (int i = 0; i < files.size(); i++) {
            hashes.put(role + " " + (i + 1) + " " + files.get(i).getFileName(), Provenance.sha256(files.get(i)));
        }
        return hashes;
    }

    /** A record as one line of JSON. */
    static String line(Object document) {
        return JSON_LINES.writeValueAsString(document);
    }

    int checkedThreads() {
        if (threads < 1 || threads > 1024) {
            throw new InputException("HT-011", "--threads", "is " + threads + "; expected 1 to 1024", "");
        }
        return threads;
    }
}
