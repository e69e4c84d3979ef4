package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** AdaDim (arXiv:2309.15531): the better direction of groups, layer by layer. */
final class AdadimClaim implements Claim {
    @Override
    public String name() {
        return "adadim";
    }

    @Override
    public String paper() {
        return "arXiv:2309.15531";
    }

    @Override
    public String statement() {
        return "At 3 bits in groups of 64, choosing for each layer whether groups run along the inputs or along the outputs loses no more"
                + " than groups along the inputs, for rounding to nearest and for GPTQ with fixed groups.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            cases.add(new Case(model, "rtn", "rtn-w3g64"));
            cases.add(new Case(model, "adadim-rtn", "adadim-rtn-w3g64"));
            cases.add(
                    new Case(
                            model,
                            "gptq",
                            "propagate: float\nsteps:\n  - weights: {method: gptq, format: int3, group: 64, search: minmax}\n"));
            cases.add(new Case(model, "adadim-gptq", "adadim-w3g64"));
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            findings.add(results.notMore(model, "adadim-rtn", "rtn"));
            findings.add(results.notMore(model, "adadim-gptq", "gptq"));
        }
        return findings;
    }
}
