package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** SpQR (arXiv:2306.03078): 3-bit codes in groups of 16 with sensitive weights kept lose less than 4-bit GPTQ of more bits. */
final class SpqrClaim implements Claim {
    @Override
    public String name() {
        return "spqr";
    }

    @Override
    public String paper() {
        return "arXiv:2306.03078";
    }

    @Override
    public String statement() {
        return "Codes in groups of 16, scales quantized themselves and sensitive weights in 16 bits lose less than GPTQ with one bit"
                + " more in its codes and one scale for a row, and less than rounding to nearest; without outliers they lose more.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            cases.add(new Case(model, "rtn", "rtn-w4"));
            cases.add(new Case(model, "gptq-rows", "gptq-w4-minmax"));
            cases.add(new Case(model, "gptq-g128", "gptq-w4g128-minmax"));
            cases.add(new Case(model, "spqr", "spqr-w3g16"));
            cases.add(new Case(
                    model,
                    "no-outliers",
                    "steps:\n  - weights: {method: spqr, format: int3, group: 16, threshold: none}\n"));
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "spqr", "rtn"));
            findings.add(results.less(model, "spqr", "gptq-rows"));
            findings.add(results.less(model, "spqr", "no-outliers"));
        }
        return findings;
    }
}
