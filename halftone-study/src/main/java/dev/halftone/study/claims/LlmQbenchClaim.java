package dev.halftone.study.claims;

import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.StudyData;
import java.util.ArrayList;
import java.util.List;

/** LLM-QBench's best practice (arXiv:2405.06001): searched scales, then searched asymmetric clipping, each worth its cost. */
final class LlmQbenchClaim implements StudyClaim {
    @Override
    public String name() {
        return "llm-qbench";
    }

    @Override
    public String paper() {
        return "arXiv:2405.06001";
    }

    @Override
    public String statement() {
        return "At 3 bits, searching an asymmetric clip helps rounding, searching channel scales helps, and both together help more"
                + " than either.";
    }

    @Override
    public String study() {
        return "qbench-quick.yaml";
    }

    @Override
    public List<Finding> judge(StudyData data, Findings findings) {
        Judgements judgements = new Judgements(data);
        List<Finding> all = new ArrayList<>();
        for (String model : judgements.models()) {
            all.add(judgements.less(model, "clip-w3g64", "rtn-w3g64"));
            all.add(judgements.less(model, "scale-w3g64", "rtn-w3g64"));
            all.add(judgements.less(model, "scale-clip-w3g64", "scale-w3g64"));
            all.add(judgements.less(model, "scale-clip-w3g64", "clip-w3g64"));
            all.add(judgements.less(model, "gptq-w3g64", "rtn-w3g64"));
        }
        return all;
    }
}
