package dev.halftone.study.claims;

import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.StudyData;
import dev.halftone.study.recommend.Rules;
import java.util.ArrayList;
import java.util.List;

/** The rules of "Evaluating Quantized Large Language Models" (arXiv:2402.18158) for plain rounding. */
final class QllmEvalClaim implements StudyClaim {
    @Override
    public String name() {
        return "qllm-eval";
    }

    @Override
    public String paper() {
        return "arXiv:2402.18158";
    }

    @Override
    public String statement() {
        return "Plain rounding loses nothing at W8 and W8A8, is usable at W4 and W4A8, hurts at W3 and collapses at W2 and W4A4;"
                + " so do keys and values at 8, 4, 3 and 2 bits; and divergence grows in the order W8A8, W4A8, W4A4.";
    }

    @Override
    public String study() {
        return "qllm-eval-quick.yaml";
    }

    @Override
    public List<Finding> judge(StudyData data, Findings findings) {
        Judgements judgements = new Judgements(data);
        List<Finding> all = new ArrayList<>();
        for (String model : judgements.models()) {
            for (Rules.Judged rule : Rules.judge(data, model, judgements.texts().getFirst())) {
                if (rule.recipe() != null) {
                    all.add(new Finding(
                            "%s: %s".formatted(model, rule.statement()),
                            rule.verdict().equals("agrees"),
                            Rules.measured(rule)));
                }
            }
            all.add(judgements.less(model, "w8a8", "w4a8"));
            all.add(judgements.less(model, "w4a8", "w4a4"));
            all.add(judgements.less(model, "rtn-w3g128", "rtn-w2g128"));
            all.add(judgements.less(model, "kv8", "kv4"));
            all.add(judgements.less(model, "kv4", "kv3"));
            all.add(judgements.less(model, "kv3", "kv2"));
            all.add(judgements.less(model, "kv4", "w4kv4"));
        }
        return all;
    }
}
