package dev.halftone.hub;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpHeaders;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** What the hub's answers and this disk's refusals mean to a user, in one line each. */
final class HubErrors {
    private static final int LONGEST = 200;

    private HubErrors() {}

    /** Text that came from elsewhere, fit for one line. */
    static String printable(String text) {
        StringBuilder line = new StringBuilder();
        text.codePoints()
                .limit(LONGEST)
                .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c)
                .forEach(line::appendCodePoint);
        return line.append(text.codePointCount(0, text.length()) > LONGEST ? "..." : "")
                .toString();
    }

    /** The reason that a user understands: java.net.http often says nothing but the name of a class. */
    static String why(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof UnresolvedAddressException) {
                return "the host name is not known";
            }
        }
        String message = failure.getMessage();
        if (failure instanceof ConnectException && (message == null || message.isBlank())) {
            return "connection refused";
        }
        if (failure instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (failure instanceof FileSystemException file && file.getReason() != null) {
            return file.getReason();
        }
        return printable(message == null ? failure.getClass().getSimpleName() : message);
    }

    /** An answer that is no success and that asking again will not change. */
    static InputException refused(int status, HttpHeaders headers, HubId id, String endpoint, boolean withToken) {
        String code = headers.firstValue("X-Error-Code").orElse("");
        String message = headers.firstValue("X-Error-Message").orElse("");
        if (status == 401 && withToken && (code.isEmpty() || message.startsWith("Invalid credentials"))) {
            return new InputException(
                    "HT-276",
                    endpoint,
                    "the token was not accepted" + quoted(message),
                    "make a new one at " + endpoint + "/settings/tokens and set HF_TOKEN");
        }
        if (code.equals("GatedRepo") || (status == 403 && code.isEmpty())) {
            return new InputException(
                    "HT-275",
                    id.repository(),
                    "is gated, and " + (withToken ? "the owner of this token may not read it" : "no token is set"),
                    "accept its terms at " + endpoint + "/" + id.repository() + (withToken ? "" : " and set HF_TOKEN"));
        }
        if (code.equals("RevisionNotFound")) {
            return new InputException(
                    "HT-274",
                    id.repository(),
                    "has no branch, tag or commit \"" + id.revision() + "\"",
                    "see " + endpoint + "/" + id.repository() + "/tree/main");
        }
        if (code.equals("RepoNotFound") || (code.isEmpty() && (status == 401 || status == 404))) {
            String revision = code.isEmpty() && !id.revision().equals(HubId.MAIN) ? " or revision" : "";
            return new InputException(
                    "HT-273",
                    id.toString(),
                    "no such model" + revision + " at " + endpoint + ", or it is private",
                    withToken ? "check the name" : "check the name, or set HF_TOKEN if it is private");
        }
        return answer(id.toString(), "the hub answers HTTP " + status + quoted(message));
    }

    private static String quoted(String message) {
        return message.isEmpty() ? "" : " (" + printable(message) + ")";
    }

    /** The hub said something that its protocol does not know. */
    static InputException answer(String place, String finding) {
        return new InputException("HT-278", place, finding, "try again later, or check HF_ENDPOINT");
    }

    static InputException unreachable(String endpoint, int attempts, String trouble) {
        return new InputException(
                "HT-277",
                endpoint,
                "no answer that can be used in %d attempts: %s".formatted(attempts, trouble),
                "check the connection and pull again; what has arrived is kept");
    }

    static ResourceException disk(Path place, IOException e) {
        ResourceException error = new ResourceException(
                "HT-285",
                place.toString(),
                "cannot be written: " + why(e),
                "free disk space, check the permissions, or set HF_HOME to another directory");
        error.initCause(e);
        return error;
    }
}
