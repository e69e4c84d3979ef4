import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Makes one archive that runs without any Java: the launcher, a Java runtime with the modules that the class path needs, the class path
 * without other platforms' native parts, and the models, texts, studies and pages that come with the source. Run by {@code ./mvnw -Pdist
 * package}. Same inputs, same bytes: entries are sorted and carry the build's time.
 *
 * <p>Arguments: the repository's root, the directory of the class path, the directory to write into, version, platform, time.
 */
class Distribution {
    /** What the class files do not show: cryptography of connections in Java before 26, and its names for hosts. */
    private static final List<String> ADDED_MODULES = List.of("jdk.incubator.vector", "java.naming", "jdk.crypto.ec");

    /** What a tar archive is counted in. */
    private static final int BLOCK = 512;

    private static final List<String> FOLDERS = List.of("zoo", "corpus", "studies", "docs");
    private static final List<String> PAGES = List.of("README.md", "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt");

    /** How libraries call a platform in the names of their native parts. */
    private static final Map<String, Set<String>> NAMES = Map.of(
            "linux-x86_64", Set.of("linux-x86_64", "linux-x86-64", "linux_amd64"),
            "linux-arm64", Set.of("linux-arm64", "linux-aarch64", "linux_arm64"),
            "macosx-arm64", Set.of("macosx-arm64", "osx-aarch64", "darwin-aarch64", "osx_universal"),
            "macosx-x86_64", Set.of("macosx-x86_64", "osx-x86_64", "darwin-x86-64", "osx_universal"),
            "windows-x86_64", Set.of("windows-x86_64", "win-x86_64", "win32-x86-64", "windows_amd64"));

    private static final Pattern NATIVE = Pattern.compile(".*\\.(so|dll|dylib|jnilib|a)([._][^/]*)?");
    private static final Pattern PLATFORM = Pattern.compile(
            "(linux|osx|darwin|macosx|win|win32|windows|aix|sunos|freebsd|openbsd|dragonflybsd)[-_][a-z0-9][a-z0-9_-]*");

    private final Path root;
    private final Path work;
    private final String platform;
    private final Instant time;

    private Distribution(Path root, Path work, String platform, Instant time) {
        this.root = root;
        this.work = work;
        this.platform = platform;
        this.time = time;
    }

    public static void main(String[] args) throws IOException, NoSuchAlgorithmException {
        String name = "halftone-" + args[3] + "-" + args[4];
        Path target = Files.createDirectories(Path.of(args[2]));
        Distribution made = new Distribution(Path.of(args[0]), target.resolve(name), args[4], Instant.parse(args[5]));
        delete(made.work);
        made.fill(Path.of(args[1]));
        boolean windows = args[4].startsWith("windows");
        Path archive = target.resolve(name + (windows ? ".zip" : ".tar.gz"));
        if (windows) {
            made.zip(archive);
        } else {
            made.tar(archive);
        }
        System.out.printf("%s: %d bytes%n", archive, Files.size(archive));
    }

    private void fill(Path classPath) throws IOException, NoSuchAlgorithmException {
        Path lib = Files.createDirectories(work.resolve("lib"));
        for (Path jar : list(classPath)) {
            copyWithoutOtherPlatforms(jar, lib.resolve(jar.getFileName()));
        }
        tool("jlink", "--add-modules", String.join(",", modules(list(lib))), "--output", work.resolve("runtime").toString(),
                "--strip-java-debug-attributes", "--no-header-files", "--no-man-pages", "--generate-cds-archive");
        for (String folder : FOLDERS) {
            copy(root.resolve(folder), work.resolve(folder));
        }
        for (String page : PAGES) {
            if (Files.exists(root.resolve(page))) {
                Files.copy(root.resolve(page), work.resolve(page));
            }
        }
        Path bin = Files.createDirectories(work.resolve("bin"));
        String launcher = Files.readString(root.resolve("tools/dist/halftone")).replace("@BUILD@", hash(list(lib)));
        Files.writeString(bin.resolve("halftone"), launcher);
        Files.copy(root.resolve("tools/launch.sh"), lib.resolve("launch.sh"));
    }

    /** A jar as it is, or its entries but for native parts of other platforms. */
    private void copyWithoutOtherPlatforms(Path jar, Path copy) throws IOException {
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            List<? extends ZipEntry> kept = zip.stream().filter(entry -> !foreign(entry.getName())).toList();
            if (kept.size() == zip.size()) {
                Files.copy(jar, copy);
            } else {
                write(zip, kept, copy, Deflater.DEFAULT_COMPRESSION);
            }
        }
    }

    private boolean foreign(String entry) {
        if (!NATIVE.matcher(entry).matches()) {
            return false;
        }
        return PLATFORM.matcher(entry).find() && NAMES.get(platform).stream().noneMatch(entry::contains);
    }

    private void write(ZipFile zip, List<? extends ZipEntry> entries, Path copy, int level) throws IOException {
        try (ZipOutputStream out = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(copy)))) {
            out.setLevel(level);
            for (ZipEntry entry : entries) {
                ZipEntry written = new ZipEntry(entry.getName());
                written.setTime(time.toEpochMilli());
                out.putNextEntry(written);
                zip.getInputStream(entry).transferTo(out);
            }
        }
    }

    /** Modules of the JDK that the class files of the jars name. Descriptors are left out: some require what is on no class path. */
    private Set<String> modules(List<Path> jars) throws IOException {
        Path classes = Files.createDirectories(work.resolve("classes"));
        List<String> arguments = new ArrayList<>(List.of("--multi-release", "base", "--ignore-missing-deps", "--print-module-deps"));
        for (Path jar : jars) {
            try (ZipFile zip = new ZipFile(jar.toFile())) {
                List<? extends ZipEntry> kept = zip.stream()
                        .filter(entry -> entry.getName().endsWith(".class") && !entry.getName().contains("META-INF/"))
                        .filter(entry -> !entry.getName().endsWith("module-info.class"))
                        .toList();
                if (!kept.isEmpty()) {
                    Path copy = classes.resolve(jar.getFileName());
                    write(zip, kept, copy, Deflater.NO_COMPRESSION);
                    arguments.add(copy.toString());
                }
            }
        }
        Set<String> modules = new TreeSet<>(List.of(tool("jdeps", arguments.toArray(String[]::new)).strip().split(",")));
        modules.addAll(ADDED_MODULES);
        delete(classes);
        return modules;
    }

    /** Runs one of the JDK's programs; returns what it prints. */
    private static String tool(String name, String... arguments) {
        StringWriter out = new StringWriter();
        PrintWriter writer = new PrintWriter(out);
        int code = ToolProvider.findFirst(name).orElseThrow().run(writer, writer, arguments);
        if (code != 0) {
            throw new IllegalStateException(name + " ended with " + code + ": " + out);
        }
        return out.toString();
    }

    /** What tells one class path from another, for the name of the file of loaded classes. */
    private static String hash(List<Path> jars) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            for (Path jar : jars) {
                Files.copy(jar, out);
            }
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 6);
    }

    /** POSIX ustar: what every tar reads, with the modes and links that a zip would lose. */
    private void tar(Path archive) throws IOException {
        try (OutputStream file = new BufferedOutputStream(Files.newOutputStream(archive));
                OutputStream out = new GZIPOutputStream(file, 1 << 16)) {
            for (Path path : all()) {
                boolean link = Files.isSymbolicLink(path);
                long size = link ? 0 : Files.size(path);
                out.write(header(path, link, size));
                if (!link) {
                    Files.copy(path, out);
                    out.write(new byte[(int) (-size & (BLOCK - 1))]);
                }
            }
            out.write(new byte[2 * BLOCK]);
        }
    }

    private byte[] header(Path path, boolean link, long size) throws IOException {
        String name = name(path);
        // A name of more than 100 bytes has its first folders in a field of their own.
        int cut = name.length() <= 100 ? -1 : name.indexOf('/', name.length() - 101);
        ByteBuffer header = ByteBuffer.allocate(BLOCK);
        text(header, 0, 100, name.substring(cut + 1));
        text(header, 100, 8, "%07o".formatted(executable(path) ? 0755 : 0644));
        text(header, 108, 8, "%07o".formatted(0));
        text(header, 116, 8, "%07o".formatted(0));
        text(header, 124, 12, "%011o".formatted(size));
        text(header, 136, 12, "%011o".formatted(time.getEpochSecond()));
        text(header, 148, 8, "        ");
        text(header, 156, 1, link ? "2" : "0");
        text(header, 157, 100, link ? Files.readSymbolicLink(path).toString() : "");
        text(header, 257, 8, "ustar\00000");
        text(header, 345, 155, cut < 0 ? "" : name.substring(0, cut));
        int sum = 0;
        for (byte value : header.array()) {
            sum += value & 0xFF;
        }
        text(header, 148, 8, "%06o\0 ".formatted(sum));
        return header.array();
    }

    private static void text(ByteBuffer header, int at, int length, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > length) {
            throw new IllegalStateException(text + " does not fit into " + length + " bytes of a tar archive");
        }
        header.put(at, bytes);
    }

    private void zip(Path archive) throws IOException {
        try (ZipOutputStream out = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(archive)))) {
            for (Path path : all()) {
                ZipEntry entry = new ZipEntry(name(path));
                entry.setTime(time.toEpochMilli());
                out.putNextEntry(entry);
                Files.copy(path, out);
            }
        }
    }

    private String name(Path path) {
        return work.getParent().relativize(path).toString().replace('\\', '/');
    }

    /** Every file, in an order that is the same everywhere. */
    private List<Path> all() throws IOException {
        try (Stream<Path> paths = Files.walk(work)) {
            return paths.filter(path -> !Files.isDirectory(path))
                    .sorted(Comparator.comparing(this::name))
                    .toList();
        }
    }

    private boolean executable(Path path) {
        Path below = work.relativize(path);
        return below.startsWith("bin") || (below.startsWith("runtime") && Files.isExecutable(path));
    }

    private static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.toString().endsWith(".jar")).sorted().toList();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : paths.toList()) {
                Files.copy(path, to.resolve(from.relativize(path).toString()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.exists(directory)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(directory)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
