package dev.halftone.error;

import java.io.Serial;

/** A checkpoint, text or recipe that cannot be used as it is. Exit code 3. */
public final class InputException extends HalftoneException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * @param code stable code, "HT-" and three digits; docs/errors.md lists them
     * @param place file, tensor, line or option the error is about
     * @param finding what was found and what was expected
     * @param remedy what the user can do, empty if nothing
     */
    public InputException(String code, String place, String finding, String remedy) {
        super(code, place, finding, remedy);
    }

    /** The same error with a place, for one that was found where no place was known. */
    public InputException at(String place) {
        return new InputException(code(), place, message().substring(code().length() + 1), "");
    }

    private String message() {
        return String.valueOf(getMessage());
    }

    @Override
    public int exitCode() {
        return 3;
    }
}
