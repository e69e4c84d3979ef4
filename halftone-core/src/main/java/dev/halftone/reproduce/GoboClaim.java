package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** GOBO (arXiv:2005.03842): a codebook of a weight's own and a few outliers, against one grid for the weight. */
final class GoboClaim implements Claim {
    @Override
    public String name() {
        return "gobo";
    }

    @Override
    public String paper() {
        return "arXiv:2005.03842";
    }

    @Override
    public String statement() {
        return "At 3 and 4 bits, centroids of a layer's own and one in a thousand weights in 16 bits lose less than one evenly spaced"
                + " grid for the whole weight.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            for (int bits : List.of(4, 3)) {
                cases.add(new Case(
                        model,
                        "rtn-w" + bits,
                        "steps:\n  - weights: {method: rtn, format: int%d, group: tensor}\n".formatted(bits)));
                cases.add(new Case(model, "gobo-w" + bits, "gobo-w" + bits));
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.less(model, "gobo-w4", "rtn-w4"));
            findings.add(results.less(model, "gobo-w3", "rtn-w3"));
        }
        return findings;
    }
}
