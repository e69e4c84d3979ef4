package dev.halftone.discrete.milp;

import dev.halftone.error.ResourceException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.stream.Stream;

/**
 * Loads OR-Tools' native libraries, once. Its own loader leaves 60 MB in the temporary directory of every process that is not ended by
 * the virtual machine's own shutdown; here the copies are deleted as soon as they are loaded, where the system permits it.
 */
final class NativeSolvers {
    private static boolean loaded;

    private NativeSolvers() {}

    /** @throws ResourceException HT-763 if this platform has none, or there is no room for them */
    @SuppressWarnings("restricted") // loading a library is what this is for
    static synchronized void load() {
        if (loaded) {
            return;
        }
        String folder = "ortools-" + platform() + "/";
        String library = System.mapLibraryName("jniortools");
        URL found = NativeSolvers.class.getClassLoader().getResource(folder + library);
        if (found == null) {
            throw failure("no native libraries of OR-Tools for " + platform());
        }
        try {
            Path directory = Files.createTempDirectory("halftone-ortools");
            try {
                copy(found, folder, directory);
                System.load(directory.resolve(library).toString());
                loaded = true;
            } finally {
                delete(directory);
            }
        } catch (IOException | UnsatisfiedLinkError e) {
            throw failure(e.toString());
        }
    }

    private static ResourceException failure(String reason) {
        return new ResourceException(
                "HT-763",
                "OR-Tools",
                "cannot be loaded: " + reason,
                "leave out what needs an exact solver, or make room in the temporary directory");
    }

    /** As OR-Tools names it. */
    private static String platform() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        String system = os.contains("mac") ? "darwin" : os.contains("win") ? "win32" : "linux";
        return system + "-" + (arch.contains("aarch64") || arch.contains("arm64") ? "aarch64" : "x86-64");
    }

    private static void copy(URL library, String folder, Path directory) throws IOException {
        if (!(library.openConnection() instanceof JarURLConnection connection)) {
            throw new IOException(library + " is in no archive");
        }
        JarFile archive = connection.getJarFile();
        List<JarEntry> entries = archive.stream()
                .filter(entry -> entry.getName().startsWith(folder) && !entry.isDirectory())
                .toList();
        for (JarEntry entry : entries) {
            try (InputStream in = archive.getInputStream(entry)) {
                Files.copy(in, directory.resolve(entry.getName().substring(folder.length())));
            }
        }
    }

    /** Mapped libraries stay usable without their files. Windows keeps files that are in use, and deletes them at the end. */
    private static void delete(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                if (!file.toFile().delete()) {
                    file.toFile().deleteOnExit();
                }
            }
        }
        if (!directory.toFile().delete()) {
            directory.toFile().deleteOnExit();
        }
    }
}
