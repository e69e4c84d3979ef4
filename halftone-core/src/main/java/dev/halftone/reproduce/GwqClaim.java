package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** GWQ (arXiv:2411.00850): weights that the gradient of the loss chooses are worth keeping, more than any. */
final class GwqClaim implements Claim {
    private static final List<String> RULES = List.of("gradient", "random", "magnitude", "sensitivity");

    @Override
    public String name() {
        return "gwq";
    }

    @Override
    public String paper() {
        return "arXiv:2411.00850";
    }

    @Override
    public String statement() {
        return "At 3 bits, rounding to nearest loses less if the one in a hundred weights with the largest gradient of the loss stay in"
                + " 16 bits: less than without them, and than with as many weights at random. (Magnitudes and SpQR's sensitivity are"
                + " reported beside it.)";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            cases.add(new Case(model, "none", "rtn-w3g128-affine"));
            for (String rule : RULES) {
                cases.add(new Case(
                        model,
                        rule,
                        ("steps:\n  - weights: {method: rtn, format: int3, group: 128, mode: affine,"
                                        + " outliers: {choose: %s, share: 0.01}}\n")
                                .formatted(rule)));
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "gradient", "none"));
            findings.add(results.less(model, "gradient", "random"));
        }
        return findings;
    }
}
