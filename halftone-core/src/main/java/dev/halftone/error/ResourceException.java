package dev.halftone.error;

import java.io.Serial;

/** Not enough memory, disk or another resource of the machine. Exit code 5. */
public final class ResourceException extends HalftoneException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Parameters as in {@link InputException}. */
    public ResourceException(String code, String place, String finding, String remedy) {
        super(code, place, finding, remedy);
    }

    @Override
    public int exitCode() {
        return 5;
    }
}
