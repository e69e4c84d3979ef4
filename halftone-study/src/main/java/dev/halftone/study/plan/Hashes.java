package dev.halftone.study.plan;

import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** SHA-256 of what a study reads. */
public final class Hashes {
    private Hashes() {}

    /** Of bytes, in hexadecimal. */
    public static String of(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Of several texts, none of which can run into the next. */
    public static String of(String... parts) {
        StringBuilder all = new StringBuilder();
        for (String part : parts) {
            all.append(part.length()).append(':').append(part).append('\n');
        }
        return Provenance.sha256(all.toString());
    }

    /** Of a model's files by name, and of what is done to them on the way in. */
    public static String model(ModelFile model) {
        Map<String, String> hashes = new TreeMap<>();
        for (Path file : model.checkpoint().files()) {
            hashes.put(String.valueOf(file.getFileName()), Provenance.sha256(file));
        }
        return of(hashes.toString(), model.transform());
    }

    /** Of what decides a model's token ids. */
    public static String tokenizer(TextTokenizer tokenizer) {
        return of(tokenizer.toJson(), tokenizer.configJson());
    }

    /** Of files' contents, in this order. */
    public static String files(List<String> files) {
        List<String> hashes = new ArrayList<>();
        for (String file : files) {
            hashes.add(Provenance.sha256(Path.of(file)));
        }
        return of(hashes.toArray(String[]::new));
    }

    /** A probe as a model's tokenizer reads it. */
    public static String probe(Probe probe, String tokenizer) {
        return of(probe.settings(), files(probe.files()), tokenizer);
    }

    /** A cell: all that its result depends on. */
    public static String cell(String code, String model, String recipe, String draw, String probe) {
        return of("cell", code, model, recipe, draw, probe);
    }
}
