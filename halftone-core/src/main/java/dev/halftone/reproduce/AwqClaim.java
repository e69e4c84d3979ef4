package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** AWQ (arXiv:2306.00978): scaling channels by their activations before rounding loses less than rounding alone. */
final class AwqClaim implements Claim {
    @Override
    public String name() {
        return "awq";
    }

    @Override
    public String paper() {
        return "arXiv:2306.00978";
    }

    @Override
    public String statement() {
        return "At 4 and 3 bits in groups of 128, rounding weights whose channels were scaled by the magnitude of their"
                + " activations loses less than rounding them as they are.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            for (int bits : List.of(4, 3)) {
                cases.add(new Case(model, "rtn-w" + bits, "rtn-w%dg128".formatted(bits)));
                cases.add(new Case(model, "awq-w" + bits, "awq-w%dg128".formatted(bits)));
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "awq-w4", "rtn-w4"));
            findings.add(results.less(model, "awq-w3", "rtn-w3"));
        }
        return findings;
    }
}
