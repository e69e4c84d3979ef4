package dev.halftone.reproduce;

import dev.halftone.evaluate.Estimate;
import dev.halftone.evaluate.Scores;
import dev.halftone.reproduce.Claim.Case;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The scores of all cases, each against its own model in full precision on the same positions. */
public final class Results {
    private final Map<Case, Outcome> outcomes = new LinkedHashMap<>();

    /** @param bitsPerWeight stored, as read back */
    public record Outcome(double bitsPerWeight, Scores scores) {}

    void put(Case done, Outcome outcome) {
        outcomes.put(done, outcome);
    }

    /** In the order in which they ran. */
    public Map<Case, Outcome> all() {
        return outcomes;
    }

    /** The scores of a case. */
    Scores scores(String model, String label) {
        return outcomes.entrySet().stream()
                .filter(entry -> entry.getKey().model().equals(model)
                        && entry.getKey().label().equals(label))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("no case " + label + " of " + model))
                .getValue()
                .scores();
    }

    /** "smaller" has less divergence than "larger", by more than two standard errors of the paired difference. */
    Claim.Finding less(String model, String smaller, String larger) {
        Estimate difference = difference(model, smaller, larger);
        return finding(
                "%s: %s diverges less than %s".formatted(model, smaller, larger),
                difference.value() > 2 * difference.error(),
                model,
                smaller,
                larger);
    }

    /** "smaller" does not have more divergence than "larger" by more than two standard errors of the paired difference. */
    Claim.Finding notMore(String model, String smaller, String larger) {
        Estimate difference = difference(model, smaller, larger);
        return finding(
                "%s: %s does not diverge more than %s".formatted(model, smaller, larger),
                difference.value() > -2 * difference.error(),
                model,
                smaller,
                larger);
    }

    private Estimate difference(String model, String smaller, String larger) {
        return Estimate.difference(
                scores(model, larger).kl(), scores(model, smaller).kl());
    }

    private Claim.Finding finding(String statement, boolean holds, String model, String smaller, String larger) {
        Estimate difference = difference(model, smaller, larger);
        return new Claim.Finding(
                statement,
                holds,
                String.format(
                        Locale.ROOT,
                        "KL %.5f and %.5f, difference %.5f +- %.5f",
                        scores(model, smaller).divergence().value(),
                        scores(model, larger).divergence().value(),
                        difference.value(),
                        difference.error()));
    }
}
