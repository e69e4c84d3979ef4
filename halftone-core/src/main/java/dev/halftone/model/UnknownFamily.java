package dev.halftone.model;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/** A family without a row: which known one has the most tensors in common with it, and what stands between the two. */
final class UnknownFamily {
    private static final int SHOWN = 4;
    private static final Pattern NUMBER = Pattern.compile("\\.\\d+\\.");

    /** A known family's view of the checkpoint; names with {@code N} for the numbers of blocks and experts. */
    private record Comparison(String family, int common, Set<String> missing, Set<String> unread) {}

    private UnknownFamily() {}

    static InputException error(
            String family, JsonNode config, Set<String> tensors, String place, Map<String, Families.Row> rows) {
        List<Comparison> comparisons = new ArrayList<>();
        rows.forEach((name, row) -> {
            try {
                comparisons.add(compare(name, row.read(new ConfigReader(config, tensors, place)), tensors));
            } catch (InputException _) {
                // The config lacks what this family needs: it is not alike.
                return;
            }
        });
        String known = "known are " + String.join(", ", rows.keySet());
        String closest = comparisons.stream()
                .filter(comparison -> comparison.common() > 0)
                .max(Comparator.comparingInt(UnknownFamily::likeness)
                        // Many families have Llama's names.
                        .thenComparing(comparison -> comparison.family().equals("llama")))
                .map(UnknownFamily::describe)
                .orElse("");
        return new InputException(
                "HT-301",
                place,
                (family.isEmpty() ? "there is no \"model_type\"" : "model_type is \"" + family + "\"") + "; " + known
                        + closest,
                "convert the model to a known family, or add a row (docs/adding-a-family.md)");
    }

    private static int likeness(Comparison comparison) {
        return comparison.common()
                - comparison.missing().size()
                - comparison.unread().size();
    }

    private static Comparison compare(String family, DecoderSpec spec, Set<String> tensors) {
        Set<String> there = new TreeSet<>();
        tensors.forEach(name -> there.add(general(name)));
        Set<String> missing = new TreeSet<>();
        Decoder.tensors(spec).forEach(tensor -> missing.add(general(tensor.name())));
        Set<String> unread = new TreeSet<>(there);
        unread.removeAll(missing);
        int wanted = missing.size();
        missing.removeAll(there);
        return new Comparison(family, wanted - missing.size(), missing, unread);
    }

    private static String general(String name) {
        String once = NUMBER.matcher(name).replaceAll(".N.");
        return NUMBER.matcher(once).replaceAll(".N.");
    }

    private static String describe(Comparison closest) {
        return "; the tensors are most like those of " + closest.family() + list(", but it lacks ", closest.missing())
                + list(closest.missing().isEmpty() ? ", but it has " : " and has ", closest.unread());
    }

    private static String list(String before, Set<String> names) {
        if (names.isEmpty()) {
            return "";
        }
        String shown = String.join(", ", names.stream().limit(SHOWN).toList());
        return before + shown + (names.size() > SHOWN ? " and %d more".formatted(names.size() - SHOWN) : "");
    }
}
