package dev.halftone.study.studio;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.halftone.error.HalftoneException;
import dev.halftone.error.ResourceException;
import dev.halftone.study.report.DocumentJson;
import dev.halftone.study.report.HtmlPage;
import dev.halftone.study.report.ReportDocument;
import dev.halftone.study.report.StudyReport;
import dev.halftone.study.store.StudyStore;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Serves {@code /} (the page) and {@code /data.json} (its document) from a study's directory, to this machine alone. Requests whose
 * Host is no name of the loopback interface are refused, so that no page from elsewhere reads them through a name of its own.
 */
public final class Studio implements AutoCloseable {
    private static final Set<String> HOSTS = Set.of("127.0.0.1", "localhost", "[::1]");
    private static final int OK = 200;
    private static final int FORBIDDEN = 403;
    private static final int NOT_FOUND = 404;
    private static final int NOT_ALLOWED = 405;
    private static final int UNAVAILABLE = 503;

    private final Path directory;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newSingleThreadExecutor();
    private FileTime written = FileTime.fromMillis(0);
    private ReportDocument document;

    /**
     * Starts to serve.
     *
     * @param port 0 for any that is free
     * @throws ResourceException HT-670 if the port is taken
     */
    public Studio(Path directory, int port) {
        this.directory = directory;
        this.document = StudyReport.of(directory); // fails here and not in the browser where there is no study
        try {
            this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-670", "port " + port, "cannot be served: " + e.getMessage(), "use another --port");
        }
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
    }

    /** Where it is. */
    public URI address() {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String host = String.valueOf(exchange.getRequestHeaders().getFirst("Host"));
            if (!HOSTS.contains(host.replaceFirst(":[0-9]+$", ""))) {
                send(exchange, FORBIDDEN, "text/plain", "only this machine is served");
            } else if (!exchange.getRequestMethod().equals("GET")) {
                send(exchange, NOT_ALLOWED, "text/plain", "only GET is known");
            } else {
                switch (exchange.getRequestURI().getPath()) {
                    case "/" -> send(exchange, OK, "text/html", HtmlPage.of(document(), true));
                    case "/data.json" -> send(exchange, OK, "application/json", DocumentJson.compact(document()));
                    default -> send(exchange, NOT_FOUND, "text/plain", "there is / and /data.json");
                }
            }
        } catch (HalftoneException e) {
            send(exchange, UNAVAILABLE, "text/plain", String.valueOf(e.getMessage()));
        }
    }

    /** Read again where the store was written since: only the one thread of the server comes here. */
    private ReportDocument document() throws IOException {
        FileTime now = Files.getLastModifiedTime(directory.resolve(StudyStore.NAME));
        if (!now.equals(written)) {
            document = StudyReport.of(directory);
            written = now;
        }
        return document;
    }

    private static void send(HttpExchange exchange, int status, String type, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type + "; charset=utf-8");
        exchange.getResponseHeaders().set("X-Content-Type-Options", "nosniff");
        exchange.sendResponseHeaders(status, bytes.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(bytes);
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
