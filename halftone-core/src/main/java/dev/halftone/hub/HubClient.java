package dev.halftone.hub;

import dev.halftone.error.InputException;
import dev.halftone.provenance.Provenance;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * HTTP as the hub speaks it. Redirects are followed here and not by java.net.http, because large files are on other hosts, and
 * the token must not go there.
 */
final class HubClient implements AutoCloseable {
    private static final int REDIRECTS = 10;

    /** A listing of 1000 files is about 300 KB. */
    private static final int LARGEST_DOCUMENT = 64 << 20;

    private final URI endpoint;
    private final @Nullable String token;
    private final Patience patience;
    private final HttpClient http;

    HubClient(URI endpoint, @Nullable String token, Patience patience) {
        this.endpoint = endpoint;
        this.token = token;
        this.patience = patience;
        // HTTP/1.1: files that are fetched side by side get a connection each.
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(patience.silence())
                .build();
    }

    URI endpoint() {
        return endpoint;
    }

    Patience patience() {
        return patience;
    }

    /** An address at the hub; {@code path} is encoded already. */
    URI at(String path) {
        return URI.create(endpoint + path);
    }

    /** A path for an address; slashes stay, or are encoded too ({@code refs/pr/1} as one segment). */
    static String encode(String path, boolean slashes) {
        if (slashes) {
            return URLEncoder.encode(path, StandardCharsets.UTF_8).replace("+", "%20");
        }
        return Arrays.stream(path.split("/", -1))
                .map(segment -> encode(segment, true))
                .collect(Collectors.joining("/"));
    }

    /**
     * A document of the hub's interface.
     *
     * @throws InputException HT-273 to HT-278
     */
    HttpResponse<byte[]> get(URI uri, HubId id) throws InterruptedException {
        BodyHandler<byte[]> handler = BodyHandlers.limiting(BodyHandlers.ofByteArray(), LARGEST_DOCUMENT);
        for (int attempt = 1; ; attempt++) {
            Duration asked = Duration.ZERO;
            String trouble;
            try {
                HttpResponse<byte[]> response = send(uri, null, handler, () -> 0, "", id);
                if (response.statusCode() == 200) {
                    return response;
                }
                if (!passing(response.statusCode())) {
                    throw refused(response.statusCode(), response.headers(), id);
                }
                trouble = "HTTP " + response.statusCode();
                asked = retryAfter(response.headers());
            } catch (IOException e) {
                trouble = HubErrors.why(e);
            }
            if (attempt >= patience.attempts()) {
                throw HubErrors.unreachable(endpoint.toString(), attempt, trouble);
            }
            patience.pause(attempt, asked);
        }
    }

    /** True for an answer that may be another one next time. */
    static boolean passing(int status) {
        return status == 408 || status == 429 || status >= 500;
    }

    static Duration retryAfter(HttpHeaders headers) {
        String seconds = headers.firstValue("Retry-After").orElse("");
        return seconds.matches("\\d{1,6}") ? Duration.ofSeconds(Long.parseLong(seconds)) : Duration.ZERO;
    }

    InputException refused(int status, HttpHeaders headers, HubId id) {
        return HubErrors.refused(status, headers, id, endpoint.toString(), token != null);
    }

    /**
     * One request, and the redirects that it leads to.
     *
     * @param range value of the Range header, or null
     * @param arrived grows while bytes come in; a connection where it stands still for long is given up
     * @param hash what X-Linked-Etag must say if it is sent; empty if nothing is expected
     */
    <T> HttpResponse<T> send(
            URI start, @Nullable String range, BodyHandler<T> handler, LongSupplier arrived, String hash, HubId id)
            throws IOException, InterruptedException {
        URI at = start;
        for (int hop = 0; hop <= REDIRECTS; hop++) {
            HttpRequest.Builder request = HttpRequest.newBuilder(at)
                    .header("User-Agent", "halftone/" + Provenance.halftoneVersion())
                    .header("Accept-Encoding", "identity");
            if (token != null && sameOrigin(at, endpoint)) {
                request.header("Authorization", "Bearer " + token);
            }
            if (range != null) {
                request.header("Range", range);
            }
            HttpResponse<T> response = await(http.sendAsync(request.build(), handler), arrived);
            Optional<String> location = response.headers().firstValue("Location");
            boolean redirect = response.statusCode() / 100 == 3 && response.statusCode() != 304;
            checkHash(response.headers(), hash, id);
            if (!redirect || location.isEmpty()) {
                return response;
            }
            at = target(at, location.get(), "a redirect to", id);
        }
        throw HubErrors.answer(id.toString(), "more than " + REDIRECTS + " redirects");
    }

    /**
     * Where the hub sends us. Never from https to less, and never to something that is no address of a host.
     *
     * @param what begins the message, such as "a redirect to"
     */
    static URI target(URI from, String location, String what, HubId id) {
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException _) {
            throw HubErrors.answer(id.toString(), what + " \"" + HubErrors.printable(location) + "\"");
        }
        String scheme = scheme(to);
        boolean safe =
                scheme.equals("https") || (scheme.equals("http") && scheme(from).equals("http"));
        if (!safe || to.getHost() == null) {
            throw HubErrors.answer(
                    id.toString(), what + " \"" + HubErrors.printable(location) + "\", which is not https");
        }
        return to;
    }

    /** A large file's hash comes with the hub's redirect: a wrong one is found before the gigabytes, not after them. */
    private static void checkHash(HttpHeaders headers, String hash, HubId id) {
        String tag = headers.firstValue("X-Linked-Etag")
                .orElse("")
                .replaceFirst("^W/", "")
                .replace("\"", "");
        if (!hash.isEmpty() && tag.matches("[0-9a-f]{40,64}") && tag.length() == hash.length() && !tag.equals(hash)) {
            throw HubErrors.answer(
                    id.toString(), "the hub serves a file with hash %s, but lists it with %s".formatted(tag, hash));
        }
    }

    private static String scheme(URI uri) {
        return String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    }

    /** Same scheme, host and port: only there the token may go. */
    static boolean sameOrigin(URI one, URI other) {
        return scheme(one).equals(scheme(other))
                && String.valueOf(one.getHost()).equalsIgnoreCase(String.valueOf(other.getHost()))
                && port(one) == port(other);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : scheme(uri).equals("https") ? 443 : 80;
    }

    /**
     * Waits as long as bytes arrive. The timeout of java.net.http does not do: it ends with the headers in some versions, and in
     * others a long download falls under it.
     */
    private <T> HttpResponse<T> await(CompletableFuture<HttpResponse<T>> future, LongSupplier arrived)
            throws IOException, InterruptedException {
        long silence = patience.silence().toNanos();
        long seen = arrived.getAsLong();
        long since = System.nanoTime();
        try {
            while (true) {
                try {
                    return future.get(Math.min(silence, 1_000_000_000L), TimeUnit.NANOSECONDS);
                } catch (TimeoutException _) {
                    long now = arrived.getAsLong();
                    if (now != seen) {
                        seen = now;
                        since = System.nanoTime();
                    } else if (System.nanoTime() - since >= silence) {
                        throw new HttpTimeoutException(
                                "nothing came for " + patience.silence().toMillis() / 1000.0 + " seconds");
                    }
                }
            }
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case IOException io -> throw new IOException(HubErrors.why(io), io);
                case RuntimeException ours -> throw ours;
                case Error ours -> throw ours;
                case null, default -> throw new IOException(HubErrors.why(e), e);
            }
        } finally {
            future.cancel(true); // ends the exchange if it is still going on
        }
    }

    @Override
    public void close() {
        http.shutdownNow();
    }
}
