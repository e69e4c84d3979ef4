package dev.halftone.error;

import java.io.Serial;

/**
 * An error with a code ("HT-212"), the place, what was found there, what was expected, and what to do, in one line. The exit
 * code is the command line's; the library only carries it.
 */
public abstract class HalftoneException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    private final String code;

    HalftoneException(String code, String place, String finding, String remedy) {
        super(code + " " + (place.isEmpty() ? "" : place + ": ") + finding + (remedy.isEmpty() ? "" : "; " + remedy));
        this.code = code;
    }

    public String code() {
        return code;
    }

    /** The process exit code that this kind of error ends a command with. */
    public abstract int exitCode();
}
