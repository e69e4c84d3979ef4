package dev.halftone.recipe;

import dev.halftone.calibration.Gram;
import dev.halftone.error.InputException;
import dev.halftone.format.ClipSearch;
import dev.halftone.format.InputRounding;
import dev.halftone.model.LinearSite;
import dev.halftone.model.RoutedTokens;
import dev.halftone.recipe.ExpertPolicy.Action;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.recipe.SolvedSites.SolvedSite;
import dev.halftone.recipe.StageSolver.Run;
import dev.halftone.solver.Event;
import dev.halftone.solver.Rtn;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Solves experts side by side, one thread each, with statistics of their own tokens; {@link ExpertPolicy} says what else. */
final class ExpertSolver {
    private final QuantizationPlan plan;
    private final ExpertPolicy policy;
    private final InputRounding rounding;
    private final SolvedSites solved;
    private final Workers workers;

    ExpertSolver(
            QuantizationPlan plan, ExpertPolicy policy, InputRounding rounding, SolvedSites solved, Workers workers) {
        this.plan = plan;
        this.policy = policy;
        this.rounding = rounding;
        this.solved = solved;
        this.workers = workers;
    }

    private record Outcome(List<SolvedSite> solutions, StageStatistics statistics) {}

    /**
     * Solves the weights of a stage's experts.
     *
     * @param input of the stage, all tokens
     * @param groups one set of linears for each expert
     * @return in the order of the groups, whatever thread solved them
     */
    List<SolvedSite> solve(Run run, int stage, RoutedTokens routed, Activations input, List<List<LinearSite>> groups) {
        check(run, routed, groups);
        Outcome[] outcomes = new Outcome[groups.size()];
        workers.forEach(outcomes.length, i -> {
            List<LinearSite> group = groups.get(i);
            if (!seesAll(group, routed)) {
                try (Workers one = new Workers(1);
                        Activations own = routed.inputs(stage, group.getFirst(), input, run.spill())) {
                    outcomes[i] = solve(run, group, own, routed, one);
                }
            }
        });
        List<SolvedSite> solutions = new ArrayList<>();
        for (int i = 0; i < outcomes.length; i++) {
            List<LinearSite> group = groups.get(i);
            Outcome outcome = seesAll(group, routed) ? ofAll(run, stage, input, group, routed) : outcomes[i];
            outcome.statistics().calibrate(group, plan, rounding);
            solutions.addAll(outcome.solutions());
        }
        return solutions;
    }

    /** @throws InputException HT-710 where the recipe does not want uncovered experts */
    private void check(Run run, RoutedTokens routed, List<List<LinearSite>> groups) {
        if (policy.action() != Action.FAIL) {
            return;
        }
        List<Integer> uncovered = IntStream.range(0, groups.size())
                .map(i -> groups.get(i).getFirst().expert())
                .filter(expert -> routed.tokens(expert) < policy.below())
                .boxed()
                .toList();
        if (!uncovered.isEmpty()) {
            throw new InputException(
                    "HT-710",
                    groups.getFirst().getFirst().weight(),
                    "fewer than %d calibration tokens reached the experts %s of block %d"
                            .formatted(policy.below(), uncovered, run.index()),
                    "use more --samples, another calibration text, or another uncovered_experts in the recipe");
        }
    }

    private boolean covered(List<LinearSite> group, RoutedTokens routed) {
        return routed.tokens(group.getFirst().expert()) >= policy.below();
    }

    /** True if the expert's statistics are of all tokens: by the recipe, or because a static range has to come from somewhere. */
    private boolean seesAll(List<LinearSite> group, RoutedTokens routed) {
        return !covered(group, routed)
                && (policy.action() == Action.ROUTE_ALL
                        || (routed.tokens(group.getFirst().expert()) == 0 && plan.needsRange(group)));
    }

    private Outcome ofAll(Run run, int stage, Activations input, List<LinearSite> group, RoutedTokens routed) {
        if (stage == 2) {
            return solve(run, group, input, routed, workers);
        }
        try (Activations all =
                run.sequences().expertHidden(run.block(), group.getFirst().expert())) {
            return solve(run, group, all, routed, workers);
        }
    }

    private Outcome solve(Run run, List<LinearSite> group, Activations seen, RoutedTokens routed, Workers threads) {
        StageStatistics statistics = seen.rows() == 0
                ? StageStatistics.NONE
                : StageStatistics.of(seen, group, plan, rounding, run.spill(), threads);
        boolean covered = covered(group, routed);
        Gram gram = covered || policy.action() == Action.ROUTE_ALL ? statistics.gram() : null;
        List<SolvedSite> solutions = new ArrayList<>();
        for (LinearSite site : group) {
            Optional<WeightStep> asked = plan.step(site);
            if (asked.isPresent()) {
                WeightStep step = asked.get();
                boolean wanted = step.solver().needsGram();
                List<Event> events = covered || !wanted ? List.of() : List.of(event(site, routed, gram));
                WeightStep used = wanted && gram == null
                        ? new WeightStep(step.place(), new Rtn(ClipSearch.MIN_MAX), step.format(), step.targets())
                        : step;
                float[] weight = ChannelFold.matrix(site, run.weights());
                solutions.add(solved.solved(site, used, weight, gram, events, threads));
            }
        }
        return new Outcome(solutions, statistics);
    }

    private Event event(LinearSite site, RoutedTokens routed, @Nullable Gram gram) {
        return new Event.UncoveredExpert(
                routed.tokens(site.expert()),
                policy.below(),
                gram == null ? "rounded to nearest instead" : "statistics are of all tokens",
                policy.asked());
    }
}
