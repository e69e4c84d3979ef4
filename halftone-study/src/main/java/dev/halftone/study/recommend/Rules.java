package dev.halftone.study.recommend;

import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.Metric;
import dev.halftone.study.analysis.Pairing;
import dev.halftone.study.analysis.Pairing.Difference;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.analysis.StudyData.RecipeRow;
import dev.halftone.study.analysis.StudyData.SetRow;
import dev.halftone.study.plan.StudyFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The rules of "Evaluating Quantized Large Language Models" for plain rounding, beside what a study measured.
 *
 * <p>Source: arXiv:2402.18158, whose 2 % of a task's score are read as 2 % of perplexity here; "usable" is up to 10 %, "collapse"
 * from a factor of 2. The paper's models have 7 to 180 billion parameters: a small model that disagrees is no counterexample.
 */
public final class Rules {
    private static final double LOSSLESS = 1.02;
    private static final double USABLE = 1.10;
    private static final double COLLAPSED = 2;

    private enum Claim {
        LOSSLESS,
        USABLE,
        HURT,
        COLLAPSES
    }

    /** Bits are null for what stays as it is. */
    private record Rule(
            String setting,
            @Nullable Integer weightBits,
            @Nullable Integer inputBits,
            @Nullable Integer cacheBits,
            Claim claim,
            String statement) {}

    private static final List<Rule> ALL = List.of(
            new Rule("W8", 8, null, null, Claim.LOSSLESS, "8-bit weights lose nothing"),
            new Rule("W8A8", 8, 8, null, Claim.LOSSLESS, "8-bit weights and inputs lose nothing"),
            new Rule("W4", 4, null, null, Claim.USABLE, "4-bit weights are usable"),
            new Rule("W4A8", 4, 8, null, Claim.USABLE, "4-bit weights with 8-bit inputs are usable"),
            new Rule("W3", 3, null, null, Claim.HURT, "3-bit weights are for large models and easy tasks"),
            new Rule("W2", 2, null, null, Claim.COLLAPSES, "2-bit weights collapse under plain rounding"),
            new Rule("W4A4", 4, 4, null, Claim.COLLAPSES, "4-bit weights and inputs collapse under plain rounding"),
            new Rule("KV8", null, null, 8, Claim.LOSSLESS, "8-bit keys and values lose nothing"),
            new Rule("KV4", null, null, 4, Claim.USABLE, "4-bit keys and values are usable"),
            new Rule("KV3", null, null, 3, Claim.HURT, "3-bit keys and values are for large models and easy tasks"),
            new Rule("KV2", null, null, 2, Claim.COLLAPSES, "2-bit keys and values collapse"));

    private Rules() {}

    /**
     * A rule for a model.
     *
     * @param recipe that was measured; null if none of this setting was
     * @param ratio perplexity over full precision's; null likewise
     * @param error of the ratio
     * @param verdict "agrees", "does not agree", "too close to say" within two errors of the rule's limit, or "not measured here"
     */
    public record Judged(
            String model,
            String setting,
            String statement,
            @Nullable String recipe,
            @Nullable Double ratio,
            @Nullable Double error,
            String verdict) {}

    /** All rules for a model on a text. */
    public static List<Judged> judge(StudyData data, String model, String evaluation) {
        List<Judged> judged = new ArrayList<>();
        for (Rule rule : ALL) {
            judged.add(judge(rule, data, model, evaluation));
        }
        return judged;
    }

    private static Judged judge(Rule rule, StudyData data, String model, String evaluation) {
        String set = data.sets().stream()
                .filter(SetRow::isDefault)
                .map(SetRow::set)
                .findFirst()
                .orElse("");
        for (RecipeRow recipe : data.recipes()) {
            Difference measured = matches(rule, recipe)
                    ? Pairing.of(
                                    data,
                                    model,
                                    evaluation,
                                    set,
                                    Metric.LN_PERPLEXITY,
                                    recipe.recipe(),
                                    StudyFile.FULL_PRECISION)
                            .orElse(null)
                    : null;
            if (measured != null) {
                double ratio = Math.exp(measured.value());
                return new Judged(
                        model,
                        rule.setting(),
                        rule.statement(),
                        recipe.recipe(),
                        ratio,
                        ratio * measured.error(),
                        verdict(rule.claim(), measured));
            }
        }
        return new Judged(model, rule.setting(), rule.statement(), null, null, null, "not measured here");
    }

    private static boolean matches(Rule rule, RecipeRow recipe) {
        return recipe.dataFree()
                && (recipe.solver().equals("rtn") || (recipe.solver().isEmpty() && recipe.cacheBits() != null))
                && recipe.transforms().isEmpty()
                && Objects.equals(recipe.weightBits(), rule.weightBits())
                && Objects.equals(recipe.inputBits(), rule.inputBits())
                && Objects.equals(recipe.cacheBits(), rule.cacheBits());
    }

    private static String verdict(Claim claim, Difference measured) {
        double limit = Math.log(
                switch (claim) {
                    case LOSSLESS, HURT -> LOSSLESS;
                    case USABLE -> USABLE;
                    case COLLAPSES -> COLLAPSED;
                });
        double over = measured.value() - limit;
        if (Math.abs(over) < Findings.SEEN * measured.error()) {
            return "too close to say";
        }
        boolean wantsMore = claim == Claim.HURT || claim == Claim.COLLAPSES;
        return (over > 0) == wantsMore ? "agrees" : "does not agree";
    }

    /** "perplexity x 1.034 +- 0.002", or empty. */
    public static String measured(Judged judged) {
        return judged.ratio() == null
                ? ""
                : String.format(Locale.ROOT, "perplexity x %.3f +- %.3f", judged.ratio(), judged.error());
    }
}
