package dev.halftone.runtime.template;

import java.io.Serial;

/** What is wrong with a template, or with what it was given. */
final class JinjaException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    private final boolean raised;

    /** @param raised true if the template itself refused its input */
    private JinjaException(String message, boolean raised) {
        super(message);
        this.raised = raised;
    }

    JinjaException(String message) {
        this(message, false);
    }

    static JinjaException at(int line, String message) {
        return new JinjaException("line %d: %s".formatted(line, message));
    }

    static JinjaException raised(String message) {
        return new JinjaException(message, true);
    }

    boolean raised() {
        return raised;
    }

    String message() {
        return String.valueOf(getMessage());
    }
}
