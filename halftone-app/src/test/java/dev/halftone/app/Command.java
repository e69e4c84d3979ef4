package dev.halftone.app;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What a command that ran inside this process left: its exit code and what it printed. */
record Command(int code, String out, String err) {
    /** Runs {@code halftone} with these words. */
    static Command run(Object... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code = Main.execute(
                new PrintWriter(out, true),
                new PrintWriter(err, true),
                Stream.of(words).map(Object::toString).toArray(String[]::new));
        return new Command(code, out.toString(), err.toString());
    }

    /** The document on standard output. */
    ObjectNode json() {
        return (ObjectNode) JsonMapper.shared().readTree(out);
    }
}
