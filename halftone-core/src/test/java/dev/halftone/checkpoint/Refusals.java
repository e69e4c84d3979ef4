package dev.halftone.checkpoint;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.halftone.error.InputException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Asserts that input is refused in one clear line. */
final class Refusals {
    private Refusals() {}

    static void assertRefused(String code, String words, ThrowingCallable action) {
        assertThatExceptionOfType(InputException.class)
                .isThrownBy(action)
                .withMessageStartingWith(code + " ")
                .withMessageContaining(words)
                .satisfies(e -> assertThatOneLine(String.valueOf(e.getMessage())));
    }

    private static void assertThatOneLine(String message) {
        if (!message.equals(message.strip()) || message.chars().anyMatch(c -> c < ' ') || message.length() > 1200) {
            throw new AssertionError("not one clear line: " + message);
        }
    }
}
