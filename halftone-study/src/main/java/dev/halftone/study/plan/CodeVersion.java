package dev.halftone.study.plan;

import dev.halftone.kernel.Kernels;
import dev.halftone.provenance.Provenance;
import dev.halftone.recipe.Quantizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** The version and a hash of the classes that a result depends on: equal for a jar and for the directory it was made from. */
public final class CodeVersion {
    /** Raised whenever a cell means something else than before. */
    private static final int CELL = 1;

    private static final int DIGITS = 12;

    private CodeVersion() {}

    /** Of this process, such as "0.1.0+1f2e3d4c5b6a.1". */
    public static String current() {
        String classes = classes(Quantizer.class) + classes(Kernels.class);
        return Provenance.halftoneVersion() + "+" + Provenance.sha256(classes).substring(0, DIGITS) + "." + CELL;
    }

    /** Hashes by name of all classes that lie where this one does. */
    private static String classes(Class<?> member) {
        TreeMap<String, String> hashes = new TreeMap<>();
        try {
            Path place = Path.of(
                    member.getProtectionDomain().getCodeSource().getLocation().toURI());
            if (Files.isDirectory(place)) {
                try (Stream<Path> files = Files.walk(place)) {
                    for (Path file : files.filter(CodeVersion::isClass).toList()) {
                        String name = place.relativize(file).toString().replace('\\', '/');
                        hashes.put(name, Provenance.sha256(file));
                    }
                }
            } else {
                try (ZipFile jar = new ZipFile(place.toFile())) {
                    for (ZipEntry entry : jar.stream().toList()) {
                        if (entry.getName().endsWith(".class")) {
                            try (InputStream in = jar.getInputStream(entry)) {
                                hashes.put(entry.getName(), Hashes.of(in.readAllBytes()));
                            }
                        }
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
        return hashes.toString();
    }

    private static boolean isClass(Path file) {
        return file.toString().endsWith(".class");
    }
}
