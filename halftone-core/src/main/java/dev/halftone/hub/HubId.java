package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A model on the hub: {@code OWNER/NAME[@REVISION]}. Old models have a name only ({@code gpt2}). Both parts end up in paths and
 * addresses, so that only the letters which the hub itself allows are let through.
 *
 * @param repository owner and name
 * @param revision branch, tag or commit; may hold slashes ({@code refs/pr/1})
 */
public record HubId(String repository, String revision) {
    public static final String MAIN = "main";

    /** As in huggingface_hub: letters, digits, '-', '_', '.'; no '.' or '-' at the ends, no "--" (the cache's separator) or "..". */
    private static final Pattern PART =
            Pattern.compile("(?!.*(--|\\.\\.))[A-Za-z0-9_]([A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?");

    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_+=~][A-Za-z0-9_.+=~-]{0,199}");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

    /**
     * Reads what a user wrote.
     *
     * @throws InputException HT-271 if it cannot be a model's name
     */
    public static HubId parse(String text) {
        HubId id = read(text);
        if (id == null) {
            throw new InputException(
                    "HT-271",
                    "\"" + HubErrors.printable(text) + "\"",
                    "is not the name of a model on the hub",
                    "write OWNER/NAME or OWNER/NAME@REVISION");
        }
        return id;
    }

    /** Null if the text cannot be a model's name. */
    static @Nullable HubId read(String text) {
        int at = text.indexOf('@');
        String repository = at < 0 ? text : text.substring(0, at);
        String revision = at < 0 ? MAIN : text.substring(at + 1);
        int slash = repository.indexOf('/');
        boolean named = slash < 0
                ? isPart(repository)
                : isPart(repository.substring(0, slash)) && isPart(repository.substring(slash + 1));
        return named && !repository.endsWith(".git") && isRevision(revision) ? new HubId(repository, revision) : null;
    }

    private static boolean isPart(String text) {
        return PART.matcher(text).matches();
    }

    private static boolean isRevision(String text) {
        for (String segment : text.split("/", -1)) {
            if (!REVISION.matcher(segment).matches() || segment.contains("..") || segment.endsWith(".lock")) {
                return false;
            }
        }
        return text.length() <= 250;
    }

    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    boolean hasOwner() {
        return repository.indexOf('/') >= 0;
    }

    /** The model's directory in the cache. */
    String folder() {
        return "models--" + repository.replace("/", "--");
    }

    /** As the user wrote it: the main branch is not mentioned. */
    @Override
    public String toString() {
        return revision.equals(MAIN) ? repository : repository + "@" + revision;
    }
}
