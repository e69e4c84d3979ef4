package dev.halftone.study.analysis;

import dev.halftone.study.store.RecordRow;
import dev.halftone.study.store.StudyStore;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All that a store holds of a study, read at once.
 *
 * @param meta what made it
 * @param rows of the grid, whose cells are there
 * @param cells that the grid has in all, different ones
 * @param units per cell: a value per window or item, by metric
 */
public record StudyData(
        Map<String, String> meta,
        List<ModelRow> models,
        List<RecipeRow> recipes,
        List<SetRow> sets,
        List<DrawRow> draws,
        List<EvaluationRow> evaluations,
        List<Row> rows,
        List<MapRow> maps,
        int cells,
        Map<String, Units> units) {
    /** A model. */
    public record ModelRow(
            String model,
            String name,
            String sha256,
            String family,
            int layers,
            int hidden,
            long parameters,
            String transform) {}

    /** A recipe; bits are null where weights, inputs, keys and values stay as they are. */
    public record RecipeRow(
            String recipe,
            String yaml,
            boolean dataFree,
            boolean anchor,
            @Nullable Integer weightBits,
            @Nullable Integer weightGroup,
            @Nullable String weightMode,
            @Nullable Integer inputBits,
            @Nullable Integer cacheBits,
            String transforms,
            String solver) {}

    /** A calibration set. */
    public record SetRow(
            String set, String source, @Nullable String variant, String files, boolean nonsense, boolean isDefault) {}

    /** A draw of a set; {@code tokenKl} is how far the first evaluation text's tokens are from its own, in nats. */
    public record DrawRow(
            String model,
            String set,
            int draw,
            long seed,
            String sha256,
            int sequences,
            long tokens,
            int distinctTokens,
            double entropyBits,
            @Nullable Double tokenKl) {}

    /** An evaluation. */
    public record EvaluationRow(String evaluation, String kind, String settings, String files) {
        public boolean text() {
            return kind.equals("text");
        }
    }

    /** A row of the grid whose cell has been tried. */
    public record Row(
            String model,
            String recipe,
            String set,
            int draw,
            String evaluation,
            String cell,
            boolean done,
            @Nullable String error,
            double perplexity,
            double perplexityStderr,
            double kl,
            double klStderr,
            double sameTop,
            double sameTopStderr,
            double accuracy,
            double accuracyStderr,
            double chance,
            double bitsPerWeight,
            double bitsPerParameter,
            long packedBytes,
            @Nullable String techniques,
            boolean fellBack,
            double quantizeSeconds,
            double evaluateSeconds,
            long peakMemoryBytes) {}

    /** Statistics of a model on a set, in a file below the study's directory. */
    public record MapRow(String model, String set, String file, long sequences, long tokens) {}

    /**
     * Of a cell.
     *
     * @param weight scored positions of each window; 1 for each item
     * @param kl of each window; empty for items
     * @param nll likewise
     * @param right of each item; empty for windows
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Units(double[] weight, double[] kl, double[] nll, double[] right) {
        /** Values of a metric. */
        double[] values(Metric metric) {
            return switch (metric) {
                case KL -> kl;
                case LN_PERPLEXITY -> nll;
                case ACCURACY -> right;
            };
        }
    }

    /** Reads everything. */
    public static StudyData read(StudyStore store) {
        Map<String, String> meta = new LinkedHashMap<>();
        store.read(
                "SELECT key, value FROM meta", rows -> String.valueOf(meta.put(rows.getString(1), rows.getString(2))));
        return new StudyData(
                meta,
                rows(store, ModelRow.class, "SELECT * FROM models ORDER BY position"),
                rows(store, RecipeRow.class, "SELECT * FROM recipes ORDER BY position"),
                rows(store, SetRow.class, "SELECT *, set_name AS \"set\" FROM sets ORDER BY position"),
                rows(
                        store,
                        DrawRow.class,
                        "SELECT d.*, d.set_name AS \"set\", (SELECT first(token_kl ORDER BY e.position) FROM distances t"
                                + " JOIN evaluations e USING (evaluation) WHERE t.model = d.model AND t.set_name ="
                                + " d.set_name AND t.draw = d.draw) AS token_kl FROM draws d JOIN models m USING (model)"
                                + " JOIN sets s USING (set_name) ORDER BY m.position, s.position, d.draw"),
                rows(store, EvaluationRow.class, "SELECT * FROM evaluations ORDER BY position"),
                rows(
                        store,
                        Row.class,
                        "SELECT r.*, r.set_name AS \"set\", r.status = 'done' AS done FROM results r JOIN models m USING"
                                + " (model) JOIN recipes p USING (recipe) JOIN sets s USING (set_name) JOIN evaluations e"
                                + " USING (evaluation) ORDER BY m.position, p.position, s.position, r.draw, e.position"),
                rows(store, MapRow.class, "SELECT *, set_name AS \"set\" FROM maps"),
                store.read("SELECT count(DISTINCT cell) FROM grid", rows -> rows.getInt(1))
                        .getFirst(),
                units(store));
    }

    private static <T extends Record> List<T> rows(StudyStore store, Class<T> type, String sql) {
        return store.read(sql, RecordRow.of(type));
    }

    private static Map<String, Units> units(StudyStore store) {
        Map<String, Units> units = new HashMap<>();
        store.read(
                "SELECT cell, list(scored::DOUBLE ORDER BY window_index), list(kl ORDER BY window_index), list(nll ORDER BY"
                        + " window_index) FROM windows GROUP BY cell",
                rows -> String.valueOf(units.put(
                        rows.getString(1), new Units(array(rows, 2), array(rows, 3), array(rows, 4), new double[0]))));
        store.read(
                "SELECT cell, list(1::DOUBLE ORDER BY item), list(score ORDER BY item) FROM items GROUP" + " BY cell",
                rows -> String.valueOf(units.put(
                        rows.getString(1), new Units(array(rows, 2), new double[0], new double[0], array(rows, 3)))));
        return units;
    }

    private static double[] array(ResultSet rows, int column) throws SQLException {
        Object[] values = (Object[]) rows.getArray(column).getArray();
        double[] array = new double[values.length];
        for (int i = 0; i < array.length; i++) {
            array[i] = ((Number) values[i]).doubleValue();
        }
        return array;
    }
}
