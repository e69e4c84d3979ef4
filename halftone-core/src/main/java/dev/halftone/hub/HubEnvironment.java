package dev.halftone.hub;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the hub's own Python library takes from the environment, under the same names: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT,
 * HF_TOKEN, HF_TOKEN_PATH, HF_HUB_OFFLINE. So both share one cache and one login.
 */
public final class HubEnvironment {
    /** The public hub. HF_ENDPOINT names another one. */
    public static final String DEFAULT_ENDPOINT = "https://huggingface.co";

    /** A system property of this prefix comes before the environment variable: for tests and for programs that embed Halftone. */
    private static final String PROPERTY = "halftone.";

    private final Map<String, String> variables;
    private final Path home;

    /**
     * @param variables environment variables; empty ones count as absent
     * @param home the user's home directory
     */
    public HubEnvironment(Map<String, String> variables, Path home) {
        this.variables = Map.copyOf(variables);
        this.home = home;
    }

    /** Of this process. */
    public static HubEnvironment current() {
        Map<String, String> variables = new HashMap<>(System.getenv());
        System.getProperties().forEach((key, value) -> {
            String name = key.toString();
            if (name.startsWith(PROPERTY + "HF_") || name.startsWith(PROPERTY + "HUGGINGFACE_")) {
                variables.put(name.substring(PROPERTY.length()), value.toString());
            }
        });
        return new HubEnvironment(variables, Path.of(System.getProperty("user.home")));
    }

    private @Nullable String variable(String name) {
        String value = variables.get(name);
        return value == null || value.isBlank() ? null : value.strip();
    }

    private @Nullable Path path(String name) {
        String value = variable(name);
        if (value == null) {
            return null;
        }
        boolean inHome = value.equals("~") || value.startsWith("~/");
        return inHome ? home.resolve(value.substring(Math.min(2, value.length()))) : Path.of(value);
    }

    private Path hubHome() {
        Path named = path("HF_HOME");
        if (named != null) {
            return named;
        }
        Path caches = path("XDG_CACHE_HOME");
        return (caches == null ? home.resolve(".cache") : caches).resolve("huggingface");
    }

    /** The directory that holds the models' directories. */
    public Path cache() {
        Path named = path("HF_HUB_CACHE");
        Path old = path("HUGGINGFACE_HUB_CACHE");
        return named != null ? named : old != null ? old : hubHome().resolve("hub");
    }

    /**
     * The hub's address, without a slash at the end.
     *
     * @throws InputException HT-287 if HF_ENDPOINT is no http or https address
     */
    public URI endpoint() {
        String text = variable("HF_ENDPOINT");
        if (text == null) {
            text = DEFAULT_ENDPOINT;
        }
        try {
            URI uri = new URI(text.replaceAll("/+$", ""));
            String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
            if ((scheme.equals("https") || scheme.equals("http")) && uri.getHost() != null && uri.getQuery() == null) {
                return uri;
            }
        } catch (URISyntaxException _) {
            // Said below, like the addresses that are well formed and still no hub.
        }
        throw new InputException(
                "HT-287",
                "HF_ENDPOINT",
                "\"" + HubErrors.printable(text) + "\" is no address of a hub",
                "write it as " + DEFAULT_ENDPOINT);
    }

    /** True if the user forbids connections. */
    public boolean offline() {
        String value = variable("HF_HUB_OFFLINE");
        return value != null && (value.equals("1") || value.matches("(?i)on|yes|true"));
    }

    /**
     * HF_TOKEN, else the file that {@code hf auth login} writes; null if there is neither.
     *
     * @throws InputException HT-276 if it cannot be read or is no token
     */
    public @Nullable String token() {
        String token = variable("HF_TOKEN");
        String place = "HF_TOKEN";
        if (token == null) {
            Path named = path("HF_TOKEN_PATH");
            Path file = named == null ? hubHome().resolve("token") : named;
            if (!Files.exists(file)) {
                return null;
            }
            place = file.toString();
            try {
                token = Files.readString(file, StandardCharsets.UTF_8).strip();
            } catch (IOException e) {
                throw new InputException(
                        "HT-276", place, "the token cannot be read: " + HubErrors.why(e), "check its permissions");
            }
            if (token.isEmpty()) {
                return null;
            }
        }
        if (!token.chars().allMatch(c -> c > ' ' && c < 127)) {
            throw new InputException(
                    "HT-276", place, "holds white space or other characters that no token has", "copy it again");
        }
        return token;
    }
}
