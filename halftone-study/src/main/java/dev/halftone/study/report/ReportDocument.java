package dev.halftone.study.report;

import dev.halftone.study.analysis.Findings.MethodFigure;
import dev.halftone.study.analysis.Findings.SetFigure;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.StudyData.DrawRow;
import dev.halftone.study.analysis.StudyData.EvaluationRow;
import dev.halftone.study.analysis.StudyData.ModelRow;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.Row;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.analysis.Tolerance;
import dev.halftone.study.recommend.Recommendation;
import dev.halftone.study.recommend.Rules;
import java.util.List;
import java.util.Map;

/**
 * All that a report says: what {@code report --format json} prints and the page draws.
 *
 * @param schema version of this document
 * @param answer three sentences
 * @param cells of the grid, different ones
 * @param done of them
 * @param failed of them
 * @param rows one per cell: of a recipe that reads no set, that of the first set and draw
 * @param tolerance what is left of tasks' scores above chance
 * @param provenance what made the results
 */
public record ReportDocument(
        int schema,
        String study,
        List<String> answer,
        int cells,
        int done,
        int failed,
        List<ModelRow> models,
        List<RecipeRow> recipes,
        List<SetRow> sets,
        List<DrawRow> draws,
        List<EvaluationRow> evaluations,
        List<SetFigure> figures,
        List<Effect> effects,
        List<MethodFigure> methods,
        List<Recommendation> recommendations,
        List<Rules.Judged> rules,
        List<Tolerance> tolerance,
        List<Outliers> outliers,
        List<Overlap> overlaps,
        List<Row> rows,
        Map<String, String> provenance) {
    static final int SCHEMA = 1;

    /**
     * A set against the default one.
     *
     * @param verdict "no effect seen" below two standard errors, else "worse" or "better"
     */
    public record Effect(
            String model,
            String recipe,
            String evaluation,
            Metric metric,
            String set,
            boolean nonsense,
            double difference,
            double error,
            String verdict) {}

    /**
     * The activations of a full-precision model on a set.
     *
     * @param kinds of sites
     * @param int8Channels outlier channels by the rule of LLM.int8
     * @param massive largest over median |x| of the residual stream, mean over the sequences, in the block where it is largest
     */
    public record Outliers(
            String model,
            String set,
            long sequences,
            long tokens,
            List<Kind> kinds,
            int int8Channels,
            double massive) {}

    /**
     * The sites of one kind, by block.
     *
     * @param kurtosis of all tokens
     * @param kurtosisRest without position 0
     * @param kurtosisFirst of position 0
     * @param maxToMedian of all tokens
     * @param maxToMedianRest without position 0
     * @param histogram of all blocks: log2 of a bin's middle, share of the values per octave
     * @param channels largest |x| by block and channel, neighbouring channels joined where there are many
     * @param channelsPerColumn channels joined
     * @param positions largest |x| by block and position, likewise
     * @param positionsPerColumn positions joined
     */
    public record Kind(
            String kind,
            List<Double> kurtosis,
            List<Double> kurtosisRest,
            List<Double> kurtosisFirst,
            List<Double> maxToMedian,
            List<Double> maxToMedianRest,
            List<List<Double>> histogram,
            List<List<Double>> channels,
            int channelsPerColumn,
            List<List<Double>> positions,
            int positionsPerColumn) {}

    /**
     * How far two sets have the same outlier channels.
     *
     * @param topChannels Jaccard index of the 1 % of channels with the largest |x|, mean over blocks
     * @param int8Channels Jaccard index of the outlier channels by the rule of LLM.int8; 1 where neither set has any
     */
    public record Overlap(
            String model, String kind, String first, String second, double topChannels, double int8Channels) {}
}
