package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** AdpQ (arXiv:2405.13358): grids of their own for salient weights, without any data. */
final class AdpqClaim implements Claim {
    @Override
    public String name() {
        return "adpq";
    }

    @Override
    public String paper() {
        return "arXiv:2405.13358";
    }

    @Override
    public String statement() {
        return "At 3 and 4 bits in groups of 128, a second grid for the largest 8 % of a layer's weights loses less than one grid for"
                + " all, and no data is read. (It costs 0.9 bits per weight: see the stored bits.)";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            for (int bits : List.of(4, 3)) {
                cases.add(new Case(model, "rtn-w" + bits, "rtn-w%dg128-affine".formatted(bits)));
                cases.add(new Case(model, "adpq-w" + bits, "adpq-w%dg128".formatted(bits)));
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "adpq-w4", "rtn-w4"));
            findings.add(results.less(model, "adpq-w3", "rtn-w3"));
        }
        return findings;
    }
}
