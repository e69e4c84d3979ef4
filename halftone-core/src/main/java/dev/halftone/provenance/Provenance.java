package dev.halftone.provenance;

import dev.halftone.error.InputException;
import dev.halftone.kernel.Kernels;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What made a result. Holds nothing that differs between two equal runs on one machine: no clock, no thread count.
 *
 * @param inputs SHA-256 of each input by its file name; "NAME (2)" for the second file of a name
 * @param settings what else the result depends on: recipe, seed, window rule
 */
public record Provenance(
        String version,
        String java,
        String os,
        String arch,
        String kernels,
        String libtorch,
        Map<String, String> inputs,
        Map<String, String> settings) {
    /** Of this process. */
    public static Provenance of(List<Path> inputs, Map<String, String> settings) {
        Map<String, String> hashes = new TreeMap<>();
        for (Path input : inputs) {
            String name = String.valueOf(input.getFileName());
            String unique = name;
            for (int i = 2; hashes.containsKey(unique); i++) {
                unique = name + " (" + i + ")";
            }
            hashes.put(unique, sha256(input));
        }
        return new Provenance(
                halftoneVersion(),
                System.getProperty("java.vm.name") + " " + System.getProperty("java.version"),
                System.getProperty("os.name"),
                System.getProperty("os.arch"),
                Kernels.best().name(),
                property("libtorch"),
                hashes,
                new TreeMap<>(settings));
    }

    /** Halftone's version. */
    public static String halftoneVersion() {
        return property("version");
    }

    private static String property(String key) {
        java.util.Properties properties = new java.util.Properties();
        try (InputStream in = Provenance.class.getResourceAsStream("build.properties")) {
            if (in == null) {
                throw new IllegalStateException("build.properties is missing from the jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return properties.getProperty(key, "unknown");
    }

    /** SHA-256 of a text's UTF-8 bytes, in hexadecimal. */
    public static String sha256(String text) {
        return HexFormat.of().formatHex(digest().digest(text.getBytes(StandardCharsets.UTF_8)));
    }

    /** SHA-256 of a file, in hexadecimal. */
    public static String sha256(Path file) {
        MessageDigest digest = digest();
        try (InputStream in = Files.newInputStream(file);
                OutputStream sink = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            in.transferTo(sink);
        } catch (IOException e) {
            throw new InputException("HT-701", file.toString(), "cannot be read to the end: " + e, "check the disk");
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
