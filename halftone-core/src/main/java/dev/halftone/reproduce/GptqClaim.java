package dev.halftone.reproduce;

import java.util.ArrayList;
import java.util.List;

/** GPTQ (arXiv:2210.17323): less is lost than by rounding to nearest on the same grids, and the more so the fewer the bits. */
final class GptqClaim implements Claim {
    private static final List<Integer> BITS = List.of(4, 3);

    @Override
    public String name() {
        return "gptq";
    }

    @Override
    public String paper() {
        return "arXiv:2210.17323";
    }

    @Override
    public String statement() {
        return "At 4 and 3 bits, error feedback through the second moments of the inputs loses less than rounding to nearest"
                + " on the same kind of grid, and the gap is wider at 3 bits.";
    }

    @Override
    public List<Case> cases(List<String> models) {
        List<Case> cases = new ArrayList<>();
        for (String model : models) {
            for (int bits : BITS) {
                cases.add(new Case(model, "rtn-w" + bits, "rtn-w%dg64".formatted(bits)));
                cases.add(new Case(model, "gptq-w" + bits, "gptq-w%dg64-minmax".formatted(bits)));
            }
        }
        return cases;
    }

    @Override
    public List<Finding> judge(List<String> models, Results results) {
        List<Finding> findings = new ArrayList<>();
        for (String model : models) {
            double[] gap = new double[BITS.size()];
            for (int i = 0; i < gap.length; i++) {
                int bits = BITS.get(i);
                findings.add(results.less(model, "gptq-w" + bits, "rtn-w" + bits));
                gap[i] = results.scores(model, "rtn-w" + bits).divergence().value()
                        - results.scores(model, "gptq-w" + bits).divergence().value();
            }
            findings.add(new Finding(
                    model + ": the gap is wider at 3 bits",
                    gap[1] > gap[0],
                    String.format(java.util.Locale.ROOT, "%.5f at 4 bits, %.5f at 3", gap[0], gap[1])));
        }
        return findings;
    }
}
