import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.zip.ZipInputStream;

/**
 * Prints the home of the Maven pinned in maven.properties; downloads it once, checked by SHA-512, into the user's ~/.m2/wrapper/dists. A JDK is all
 * it needs, so a machine without Maven, curl or unzip builds too.
 */
class FetchMaven {
    private static final List<String> GROUP = List.of("org", "apache", "maven");

    public static void main(String[] args) throws IOException, InterruptedException {
        Properties pinned = new Properties();
        try (InputStream in = Files.newInputStream(Path.of(args[0]))) {
            pinned.load(in);
        }
        String name = "apache-maven-" + pinned.getProperty("version");
        Path home = Path.of(System.getProperty("user.home"), ".m2", "wrapper", "dists", "halftone", name);
        if (!Files.isExecutable(home.resolve("bin/mvn"))) {
            install(name, pinned, home);
        }
        System.out.println(home);
    }

    private static void install(String name, Properties pinned, Path home) throws IOException, InterruptedException {
        URI source = URI.create(repository() + "/" + String.join("/", GROUP) + "/apache-maven/" + pinned.getProperty("version") + "/" + name + "-bin.zip");
        System.err.println("fetching " + name);
        Files.createDirectories(home.getParent());
        Path zip = Files.createTempFile(home.getParent(), name, ".zip");
        Path unpacked = Files.createTempDirectory(home.getParent(), name);
        try {
            HttpClient client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();
            int status = client.send(HttpRequest.newBuilder(source).build(), HttpResponse.BodyHandlers.ofFile(zip)).statusCode();
            if (status != 200 || !sha512(zip).equals(pinned.getProperty("sha512"))) {
                System.err.println("HT-002 " + source + ": HTTP status " + status + " or wrong SHA-512; set MVNW_REPOURL to a Maven repository that has it");
                System.exit(1);
            }
            unzip(zip, unpacked);
            unpacked.resolve(name).resolve("bin/mvn").toFile().setExecutable(true);
            try {
                Files.move(unpacked.resolve(name), home, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException e) {
                // Another build running at the same time was first; its copy passed the same check.
                if (!Files.isExecutable(home.resolve("bin/mvn"))) {
                    throw e;
                }
            }
        } finally {
            Files.deleteIfExists(zip);
            deleteTree(unpacked);
        }
    }

    /** Maven Central is served by the Maven project: the host is its group id read backwards. */
    private static String repository() {
        String given = System.getenv("MVNW_REPOURL");
        if (given != null && !given.isBlank()) {
            return given.replaceAll("/+$", "");
        }
        List<String> host = new ArrayList<>(GROUP);
        Collections.reverse(host);
        return "https://repo." + String.join(".", host) + "/maven2";
    }

    private static String sha512(Path file) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-512");
            try (InputStream in = Files.newInputStream(file)) {
                in.transferTo(new java.security.DigestOutputStream(java.io.OutputStream.nullOutputStream(), digest));
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void unzip(Path zip, Path into) throws IOException {
        try (ZipInputStream in = new ZipInputStream(Files.newInputStream(zip))) {
            for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
                Path target = into.resolve(entry.getName()).normalize();
                if (!target.startsWith(into)) {
                    throw new IOException("entry outside the archive: " + entry.getName());
                }
                if (entry.isDirectory()) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    Files.copy(in, target);
                }
            }
        }
    }

    private static void deleteTree(Path root) throws IOException {
        if (Files.exists(root)) {
            try (var paths = Files.walk(root)) {
                for (Path path : paths.sorted(Collections.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
