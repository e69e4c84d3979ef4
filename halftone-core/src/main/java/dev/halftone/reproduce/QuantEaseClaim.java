package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** QuantEase (arXiv:2309.01885): coordinate descent loses no more than GPTQ, and less with a few outliers beside the codes. */
final class QuantEaseClaim implements Claim {
    @Override
    public String name() {
        return "quantease";
    }

    @Override
    public String paper() {
        return "arXiv:2309.01885";
    }

    @Override
    public String statement() {
        return "At 3 bits coordinate descent from GPTQ's result loses no more than GPTQ and less than rounding to nearest; one in a"
                + " hundred columns in 16 bits loses less, one in a hundred weights less again.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            cases.add(new Case(model, "rtn", "rtn-w3g64"));
            cases.add(new Case(model, "gptq", "gptq-w3g64"));
            cases.add(new Case(model, "quantease", "quantease-w3g64"));
            cases.add(new Case(model, "columns", "quantease-w3g64-columns"));
            cases.add(new Case(model, "outliers", "quantease-w3g64-outliers"));
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "quantease", "rtn"));
            findings.add(results.notMore(model, "quantease", "gptq"));
            findings.add(results.notMore(model, "columns", "quantease"));
            findings.add(results.less(model, "outliers", "quantease"));
        }
        return findings;
    }
}
