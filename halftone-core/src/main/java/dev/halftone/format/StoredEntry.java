package dev.halftone.format;

import dev.halftone.error.InputException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A stored format in config.json: an entry of {@link FormatEntry}, or one of version 6:
 *
 * <ul>
 *   <li>{@code {"outliers": "weights", "dense": {...}}}, or "columns"; "dense" is another entry
 *   <li>{@code {"bilevel": {"bits": 3, "group": 16, "statistic_bits": 3, "rows": 16, "reordered": true}}}
 *   <li>{@code {"two_grids": {...}}} of integers
 *   <li>{@code {"codebook": {"bits": 3}}} of a weight's own
 *   <li>{@code {"turned": {...}}}: the transpose is stored
 * </ul>
 */
final class StoredEntry {
    /** The format version that has these. */
    static final int VERSION = 6;

    private static final String OUTLIERS = "outliers";
    private static final String DENSE = "dense";
    private static final String BILEVEL = "bilevel";
    private static final String TWO_GRIDS = "two_grids";
    private static final String CODEBOOK = "codebook";
    private static final String TURNED = "turned";

    private StoredEntry() {}

    /** The first version that has the format. */
    static int version(StoredFormat format) {
        return format instanceof NumberFormat plain ? FormatEntry.version(plain) : VERSION;
    }

    static void write(StoredFormat format, ObjectNode entry) {
        switch (format) {
            case NumberFormat f -> FormatEntry.write(f, entry);
            case OutlierFormat(StoredFormat dense, Outliers.Placement placement) -> {
                entry.put(OUTLIERS, placement.title());
                write(dense, entry.putObject(DENSE));
            }
            case BilevelGroup f ->
                entry.putObject(BILEVEL)
                        .put("bits", f.bits())
                        .put("group", f.group())
                        .put("statistic_bits", f.statisticBits())
                        .put("rows", f.rows())
                        .put("reordered", f.reordered());
            case TwoGridGroup(IntGroup grid) -> FormatEntry.write(grid, entry.putObject(TWO_GRIDS));
            case CodebookFormat f -> entry.putObject(CODEBOOK).put("bits", f.bits());
            case TurnedFormat(NumberFormat turned) -> FormatEntry.write(turned, entry.putObject(TURNED));
        }
    }

    /** @throws InputException HT-401, HT-402, HT-405, HT-407, HT-412, HT-721, HT-722 */
    static StoredFormat read(JsonNode entry, String place) {
        if (entry.has(OUTLIERS)) {
            String title = entry.path(OUTLIERS).asString("");
            Outliers.Placement placement =
                    Outliers.Placement.titled(title).orElseThrow(() -> unknown(place, OUTLIERS + " \"" + title + "\""));
            StoredFormat dense = read(entry.path(DENSE), place);
            if (dense instanceof OutlierFormat) {
                throw unknown(place, "outliers beside outliers");
            }
            return new OutlierFormat(dense, placement);
        }
        if (entry.has(BILEVEL)) {
            JsonNode keys = entry.path(BILEVEL);
            return new BilevelGroup(
                    keys.path("bits").asInt(0),
                    keys.path("group").asInt(0),
                    keys.path("statistic_bits").asInt(0),
                    keys.path("rows").asInt(0),
                    keys.path("reordered").asBoolean(false));
        }
        if (entry.has(TWO_GRIDS)) {
            if (FormatEntry.read(entry.path(TWO_GRIDS), place) instanceof IntGroup grid) {
                return new TwoGridGroup(grid);
            }
            throw unknown(place, "two grids that are no integers");
        }
        if (entry.has(CODEBOOK)) {
            return new CodebookFormat(entry.path(CODEBOOK).path("bits").asInt(0));
        }
        return entry.has(TURNED)
                ? new TurnedFormat(FormatEntry.read(entry.path(TURNED), place))
                : FormatEntry.read(entry, place);
    }

    private static InputException unknown(String place, String what) {
        return new InputException(
                "HT-405",
                place,
                "packed weights of %s, which this build does not know".formatted(what),
                "use the Halftone that wrote it, or a newer one");
    }
}
