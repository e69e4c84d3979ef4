package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** SignRound (arXiv:2309.05516): trained rounding loses less than rounding to nearest, and behind GPTQ less than GPTQ. */
final class SignRoundClaim implements Claim {
    @Override
    public String name() {
        return "signround";
    }

    @Override
    public String paper() {
        return "arXiv:2309.05516";
    }

    @Override
    public String statement() {
        return "At 3 and 2 bits, rounding offsets and ranges that are trained block by block (200 signed steps) lose less than rounding"
                + " to nearest; from GPTQ's codes they lose less than GPTQ.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            for (int bits : List.of(3, 2)) {
                for (String method : List.of("rtn", "gptq", "signround", "gptq-signround")) {
                    cases.add(new Case(model, method + "-w" + bits, "%s-w%dg64".formatted(method, bits)));
                }
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            for (int bits : List.of(3, 2)) {
                findings.add(results.less(model, "signround-w" + bits, "rtn-w" + bits));
                findings.add(results.less(model, "gptq-signround-w" + bits, "gptq-w" + bits));
            }
        }
        return findings;
    }
}
