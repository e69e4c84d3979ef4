package dev.halftone.reproduce;

import dev.halftone.evaluate.Scores;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * SmoothQuant (arXiv:2211.10438): naive W8A8 breaks where channels are outliers, W8A8 after smoothing does not, at any of its
 * three levels O1 to O3; four bits for both are too few for it.
 */
final class SmoothQuantClaim implements Claim {
    private static final String WEIGHTS = "  - weights: {method: rtn, format: int8, symmetric: true}\n";

    @Override
    public String name() {
        return "smoothquant";
    }

    @Override
    public String paper() {
        return "arXiv:2211.10438";
    }

    @Override
    public String statement() {
        return "Where channels are outliers, 8-bit weights and activations break a model, and do not once the channels were"
                + " smoothed; at 4 bits smoothing does not suffice. Injected outliers are taken out again exactly.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            cases.add(new Case(model, "naive", "steps:\n" + WEIGHTS + inputs("tensor")));
            cases.add(new Case(model, "o1", smooth("token")));
            cases.add(new Case(model, "o2", smooth("tensor")));
            cases.add(new Case(model, "o3", smooth("static")));
            cases.add(new Case(model, "w4a4", "smoothquant-w4a4"));
        }
        return cases;
    }

    private static String smooth(String granularity) {
        return "steps:\n  - transform: {method: smoothquant, alpha: 0.5}\n" + WEIGHTS + inputs(granularity);
    }

    private static String inputs(String granularity) {
        return "  - inputs: {format: int8, granularity: " + granularity + "}\n";
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            boolean injected = model.contains("+outliers");
            if (injected) {
                findings.add(results.less(model, "o2", "naive"));
                String natural = model.substring(0, model.indexOf("+outliers"));
                if (models.contains(natural)) {
                    Scores a = results.scores(natural, "o2");
                    Scores b = results.scores(model, "o2");
                    double apart =
                            Math.abs(a.divergence().value() - b.divergence().value());
                    findings.add(new Finding(
                            model + ": smoothing gives what it gives without the injection",
                            apart <= 1e-6 + 0.01 * a.divergence().value(),
                            String.format(Locale.ROOT, "KL differs by %.2g", apart)));
                }
            }
            for (String level : List.of("o1", "o2", "o3")) {
                double ratio = results.scores(model, level).logRatio().value();
                findings.add(new Finding(
                        "%s: %s stays within 2 %% of the model's perplexity".formatted(model, level),
                        ratio < Math.log(1.02),
                        String.format(Locale.ROOT, "perplexity times %.4f", Math.exp(ratio))));
            }
            findings.add(results.less(model, "o1", "w4a4"));
        }
        return findings;
    }
}
