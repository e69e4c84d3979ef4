package dev.halftone.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The hub on loopback, with one model: its documents, ranges and headers as the public one sends them, and the faults that a test
 * asks for. Files of 1 kB and more are in large-file storage.
 */
public final class HubServer implements AutoCloseable {
    public static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
    private static final int LARGE = 1000;
    private static final JsonMapper JSON = new JsonMapper();

    /** One request as it came. */
    public record Request(String path, String token, String range) {}

    private final String repository;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, byte[]> files = Collections.synchronizedMap(new TreeMap<>());
    private final List<Request> requests = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, Long> sent = new ConcurrentHashMap<>();

    /** Cuts the next answers for a file after so many bytes each. */
    final Map<String, List<Integer>> cuts = new ConcurrentHashMap<>();

    /** Files that arrive with a wrong byte. */
    final Set<String> corrupt = ConcurrentHashMap.newKeySet();

    /** Next answers for a file, or for "api", are these statuses. */
    final Map<String, List<Integer>> failures = new ConcurrentHashMap<>();

    /** Names that the listing has besides the files. */
    final List<String> extraNames = Collections.synchronizedList(new ArrayList<>());

    volatile boolean ranges = true;
    volatile int pageSize = 1000;

    /** Address of the next page, whatever has been listed; empty for the right one. */
    volatile String nextPage = "";

    volatile int gatedStatus;
    volatile boolean silent;
    volatile String linkedHash = "";
    volatile @Nullable HubServer storage;

    public HubServer(String repository) throws IOException {
        this.repository = repository;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    public URI endpoint() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    }

    public HubServer add(String name, byte[] content) {
        files.put(name, content);
        return this;
    }

    public HubServer add(Path directory) throws IOException {
        try (Stream<Path> list = Files.list(directory)) {
            for (Path file : list.toList()) {
                add(String.valueOf(file.getFileName()), Files.readAllBytes(file));
            }
        }
        return this;
    }

    public List<Request> requests() {
        synchronized (requests) {
            return List.copyOf(requests);
        }
    }

    /** Requests for the content of files. */
    public List<Request> downloads() {
        return requests().stream().filter(r -> !r.path().startsWith("/api/")).toList();
    }

    /** Bytes of this file that were sent so far. */
    long sent(String name) {
        return sent.getOrDefault(name, 0L);
    }

    static String hash(byte[] content) {
        try {
            if (content.length >= LARGE) {
                return HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(content));
            }
            MessageDigest digest = MessageDigest.getInstance("SHA-1");
            digest.update(("blob " + content.length + "\0").getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void handle(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getRawPath();
        requests.add(new Request(path, header(exchange, "Authorization"), header(exchange, "Range")));
        try (exchange) {
            if (silent) {
                Thread.sleep(2000);
            }
            String model = "/api/models/" + repository;
            if (path.startsWith("/api/") && failed(exchange, "api")) {
                return;
            }
            if (path.startsWith(model + "/revision/")) {
                revision(exchange, decode(path.substring((model + "/revision/").length())));
            } else if (path.equals(model + "/tree/" + COMMIT)) {
                tree(exchange);
            } else if (path.startsWith("/" + repository + "/resolve/" + COMMIT + "/")) {
                file(exchange, decode(path.substring(("/" + repository + "/resolve/" + COMMIT + "/").length())));
            } else if (path.startsWith("/storage/")) {
                content(exchange, decode(path.substring("/storage/".length())));
            } else if (path.startsWith("/api/models/old/name/")) {
                exchange.getResponseHeaders().set("Location", path.replace("old/name", repository));
                exchange.sendResponseHeaders(307, -1);
            } else {
                error(exchange, header(exchange, "Authorization").isEmpty() ? 401 : 404, "RepoNotFound");
            }
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static String header(HttpExchange exchange, String name) {
        String value = exchange.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    private static String decode(String path) {
        return URLDecoder.decode(path, StandardCharsets.UTF_8);
    }

    private static void error(HttpExchange exchange, int status, String code) throws IOException {
        exchange.getResponseHeaders().set("X-Error-Code", code);
        exchange.getResponseHeaders().set("X-Error-Message", "said by the test: " + code);
        exchange.sendResponseHeaders(status, -1);
    }

    private boolean failed(HttpExchange exchange, String name) throws IOException {
        Integer status = next(failures, name);
        if (status != null) {
            exchange.sendResponseHeaders(status, -1);
        }
        return status != null;
    }

    private static @Nullable Integer next(Map<String, List<Integer>> plan, String name) {
        List<Integer> left = plan.get(name);
        if (left == null) {
            return null;
        }
        synchronized (left) {
            return left.isEmpty() ? null : left.removeFirst();
        }
    }

    /** A plan for {@link #cuts} and {@link #failures}. */
    static List<Integer> plan(Integer... steps) {
        return new ArrayList<>(Arrays.asList(steps));
    }

    private void revision(HttpExchange exchange, String revision) throws IOException {
        if (!List.of("main", "refs/pr/1", COMMIT).contains(revision)) {
            error(exchange, 404, "RevisionNotFound");
            return;
        }
        ObjectNode info = JSON.createObjectNode().put("id", repository).put("sha", COMMIT);
        ArrayNode siblings = info.putArray("siblings");
        files.keySet().forEach(name -> siblings.addObject().put("rfilename", name));
        document(exchange, info.toString());
    }

    private void tree(HttpExchange exchange) throws IOException {
        ArrayNode entries = JSON.createArrayNode();
        List<String> names = new ArrayList<>(files.keySet());
        names.addAll(extraNames);
        String query = String.valueOf(exchange.getRequestURI().getQuery());
        int from = query.contains("cursor=") ? Integer.parseInt(query.replaceAll(".*cursor=(\\d+).*", "$1")) : 0;
        int to = Math.min(from + pageSize, names.size());
        for (String name : names.subList(from, to)) {
            byte[] content = files.getOrDefault(name, new byte[1]);
            ObjectNode entry = entries.addObject().put("type", "file").put("path", name);
            if (content.length >= LARGE) {
                entry.put("oid", "f".repeat(40)).put("size", content.length);
                entry.putObject("lfs")
                        .put("oid", hash(content))
                        .put("size", content.length)
                        .put("pointerSize", 134);
            } else {
                entry.put("oid", hash(content)).put("size", content.length);
            }
        }
        entries.addObject().put("type", "directory").put("path", "folder").put("oid", "0".repeat(40));
        if (!nextPage.isEmpty()) {
            exchange.getResponseHeaders().set("Link", "<" + nextPage + ">; rel=\"next\"");
        } else if (to < names.size()) {
            String next = endpoint() + exchange.getRequestURI().getRawPath() + "?recursive=true&cursor=" + to;
            exchange.getResponseHeaders().set("Link", "<" + next + ">; rel=\"next\"");
        }
        document(exchange, entries.toString());
    }

    private static void document(HttpExchange exchange, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    private void file(HttpExchange exchange, String name) throws IOException {
        byte[] content = files.get(name);
        if (content == null) {
            error(exchange, 404, "EntryNotFound");
        } else if (gatedStatus != 0) {
            error(exchange, gatedStatus, "GatedRepo");
        } else if (!failed(exchange, name)) {
            exchange.getResponseHeaders().set("X-Repo-Commit", COMMIT);
            HubServer other = storage;
            if (other != null && content.length >= LARGE) {
                exchange.getResponseHeaders()
                        .set("X-Linked-Etag", "\"" + (linkedHash.isEmpty() ? hash(content) : linkedHash) + "\"");
                exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(content.length));
                exchange.getResponseHeaders().set("Location", other.endpoint() + "/storage/" + name);
                exchange.sendResponseHeaders(302, -1);
            } else {
                content(exchange, name);
            }
        }
    }

    private void content(HttpExchange exchange, String name) throws IOException {
        byte[] content = files.getOrDefault(name, new byte[0]);
        String range = header(exchange, "Range");
        int from = 0;
        if (ranges && !range.isEmpty()) {
            from = Integer.parseInt(range.replaceAll("bytes=(\\d+)-", "$1"));
            if (from >= content.length) {
                exchange.sendResponseHeaders(416, -1);
                return;
            }
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes %d-%d/%d".formatted(from, content.length - 1, content.length));
        }
        byte[] body = Arrays.copyOfRange(content, from, content.length);
        if (corrupt.contains(name)) {
            body[body.length / 2] ^= 1;
        }
        Integer cut = next(cuts, name);
        int length = cut == null ? body.length : Math.min(cut, body.length);
        exchange.getResponseHeaders().set("ETag", "\"" + hash(content) + "\"");
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, body.length == 0 ? -1 : body.length);
        OutputStream out = exchange.getResponseBody();
        out.write(body, 0, length);
        out.flush();
        sent.merge(name, (long) length, Long::sum);
        // With fewer bytes than announced, closing the exchange closes the connection.
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
