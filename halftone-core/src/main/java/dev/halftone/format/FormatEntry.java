package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A number format in config.json. Version 1 knows {@code {"bits": 3, "group": 64, "symmetric": false}}. Version 2 adds {@code
 * "mode"}, {@code "scale"}, {@code "rows"} and {@code "reordered"} where they are not those of version 1: sym-wide or asym, fp16,
 * 1 and false. Version 3 adds {@code {"elements": "e2m1", "rule": "ocp-floor", "group": 32, "scale": "e8m0", "rows": 1,
 * "reordered": false}}, with {@code "levels": [...]} for the elements "codebook".
 */
final class FormatEntry {
    private FormatEntry() {}

    /** The first version that has the format. */
    static int version(NumberFormat format) {
        return switch (format) {
            case IntGroup f -> first(f) ? 1 : 2;
            case LevelGroup _ -> 3;
        };
    }

    private static boolean first(IntGroup format) {
        return (format.mode() == GridMode.SYM_WIDE || format.mode() == GridMode.ASYM)
                && format.scale() == ScaleType.F16
                && format.rows() == 1
                && !format.reordered();
    }

    static void write(NumberFormat format, ObjectNode entry) {
        switch (format) {
            case IntGroup f -> {
                entry.put("bits", f.bits());
                entry.put("group", f.group());
                entry.put("symmetric", f.symmetric());
                if (!first(f)) {
                    entry.put("mode", f.mode().title());
                    entry.put("scale", f.scale().title());
                    entry.put("rows", f.rows());
                    entry.put("reordered", f.reordered());
                }
            }
            case LevelGroup f -> {
                entry.put("elements", f.elements().title());
                if (f.elements() instanceof Codebook book && book.storesLevels()) {
                    ArrayNode levels = entry.putArray("levels");
                    book.levels().forEach(levels::add);
                }
                entry.put("rule", f.rule().title());
                entry.put("group", f.group());
                entry.put("scale", f.scale().title());
                entry.put("rows", f.rows());
                entry.put("reordered", f.reordered());
            }
        }
    }

    /** @throws InputException HT-401, HT-402, HT-405, HT-407, HT-412 */
    static NumberFormat read(JsonNode entry, String place) {
        int group = entry.path("group").asInt(0);
        int rows = entry.path("rows").asInt(1);
        boolean reordered = entry.path("reordered").asBoolean(false);
        String scaleTitle = entry.path("scale").asString(ScaleType.F16.title());
        ScaleType scale = ScaleType.titled(scaleTitle).orElseThrow(() -> unknown(place, "scale", scaleTitle));
        if (entry.has("elements")) {
            String rule = entry.path("rule").asString("");
            return new LevelGroup(
                    elements(entry, place),
                    group,
                    ScaleRule.titled(rule).orElseThrow(() -> unknown(place, "rule", rule)),
                    scale,
                    rows,
                    reordered);
        }
        String mode = entry.path("mode")
                .asString((entry.path("symmetric").asBoolean(false) ? GridMode.SYM_WIDE : GridMode.ASYM).title());
        return new IntGroup(
                entry.path("bits").asInt(0),
                group,
                GridMode.titled(mode).orElseThrow(() -> unknown(place, "mode", mode)),
                scale,
                rows,
                reordered);
    }

    private static Elements elements(JsonNode entry, String place) {
        String title = entry.path("elements").asString("");
        if (!title.equals(Codebook.OWN)) {
            return Elements.titled(title).orElseThrow(() -> unknown(place, "elements", title));
        }
        List<Float> levels = new ArrayList<>();
        entry.path("levels").forEach(level -> levels.add((float) level.asDouble(Double.NaN)));
        return Elements.of(levels);
    }

    private static InputException unknown(String place, String key, String value) {
        return new InputException(
                "HT-405",
                place,
                "packed weights of %s \"%s\", which this build does not know".formatted(key, value),
                "use the Halftone that wrote it, or a newer one");
    }
}
