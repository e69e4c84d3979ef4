package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.jspecify.annotations.Nullable;

/**
 * A file of a model as the hub lists it.
 *
 * @param name path inside the repository, with slashes
 * @param gitSha1 hash of the git blob, of a file that git itself stores; else null
 * @param sha256 hash of the content, of a file in large-file storage; else null
 */
record HubFile(
        String name,
        long bytes,
        @Nullable String gitSha1,
        @Nullable String sha256) {
    /** The hash that names the blob in the cache, and that the hub sends as ETag. */
    String hash() {
        if (sha256 != null) {
            return sha256;
        }
        if (gitSha1 != null) {
            return gitSha1;
        }
        throw new IllegalStateException(name + " has no hash");
    }

    /** A digest that comes to {@link #hash} after all bytes: git hashes the kind and the length of a blob with it. */
    MessageDigest digest() {
        try {
            if (sha256 != null) {
                return MessageDigest.getInstance("SHA-256");
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(("blob " + bytes + "\0").getBytes(StandardCharsets.UTF_8));
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Refuses names that git cannot hold. A server that sends one wants to write outside the snapshot.
     *
     * @throws InputException HT-280
     */
    static void checkName(String name, String repository) {
        boolean hostile = name.isEmpty() || name.startsWith("/") || name.length() > 1000 || name.indexOf('\0') >= 0;
        for (String segment : name.split("/", -1)) {
            hostile |= segment.isEmpty() || segment.equals(".") || segment.equals("..");
        }
        if (hostile) {
            throw hostile(name, repository, "would lie outside the model's directory");
        }
    }

    /**
     * Refuses names that git can hold, but that mean another place, or nothing, on some system. Only for files that are wanted:
     * another one of the model may be named as it likes.
     *
     * @throws InputException HT-280
     */
    void checkPortable(String repository) {
        boolean odd = name.chars().anyMatch(c -> c == '\\' || c == ':' || c < ' ' || c == 127);
        if (odd) {
            throw hostile(name, repository, "holds a backslash, a colon or a control character");
        }
    }

    private static InputException hostile(String name, String repository, String finding) {
        return new InputException(
                "HT-280",
                repository,
                "the file name \"" + HubErrors.printable(name) + "\" " + finding,
                "do not trust this model; nothing was written");
    }
}
