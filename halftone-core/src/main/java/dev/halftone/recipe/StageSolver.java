package dev.halftone.recipe;

import dev.halftone.format.InputRounding;
import dev.halftone.format.StoredPart;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.model.RoutedTokens;
import dev.halftone.model.Sequences;
import dev.halftone.recipe.OriginalStream.Moments;
import dev.halftone.recipe.QuantizationResult.ExpertCoverage;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Solves the weights of a block's stages: sets of linears with one input, and experts, whose inputs are their own tokens'. */
final class StageSolver {
    private final QuantizationPlan plan;
    private final InputRounding rounding;
    private final SolvedSites solved;
    private final ExpertSolver experts;
    private final Workers workers;
    private final PhaseClock clock;
    private final List<ExpertCoverage> coverage = new ArrayList<>();
    private @Nullable RoutedTokens routed;

    StageSolver(
            QuantizationPlan plan,
            ExpertPolicy policy,
            InputRounding rounding,
            SolvedSites solved,
            Workers workers,
            PhaseClock clock) {
        this.plan = plan;
        this.rounding = rounding;
        this.solved = solved;
        this.experts = new ExpertSolver(plan, policy, rounding, solved, workers);
        this.workers = workers;
        this.clock = clock;
    }

    /** How many tokens the experts got, block by block. */
    List<ExpertCoverage> coverage() {
        return coverage;
    }

    /**
     * What a block is solved with.
     *
     * @param sequences before the stage
     * @param spill where copies of activations are kept
     */
    record Run(
            int index,
            DecoderBlock block,
            EditedWeights weights,
            Sequences sequences,
            Spill spill,
            List<StoredPart> parts) {}

    /**
     * Solves and replaces the weights of a stage.
     *
     * @param input of the stage; stays open
     * @param moments between the original model and this one; null where nobody asks
     */
    void solve(Run run, int stage, Activations input, @Nullable Moments moments) {
        List<List<LinearSite>> routedGroups = new ArrayList<>();
        for (List<LinearSite> group : LinearSite.groups(run.block().stages().get(stage))) {
            switch (group.getFirst().part()) {
                case DENSE, ROUTER -> together(run, group, input, moments);
                case SHARED, EXPERT -> routedGroups.add(group);
            }
        }
        if (routedGroups.isEmpty()) {
            return;
        }
        if (stage == 2) {
            // After the router was solved: from now on this decides.
            route(run, input);
        }
        RoutedTokens tokens = Objects.requireNonNull(routed);
        for (List<LinearSite> group : routedGroups) {
            if (group.getFirst().part() == LinearSite.Part.SHARED) {
                try (Activations own = tokens.inputs(stage, group.getFirst(), input, run.spill())) {
                    together(run, group, own, null);
                }
            }
        }
        List<List<LinearSite>> own = routedGroups.stream()
                .filter(group -> group.getFirst().part() == LinearSite.Part.EXPERT
                        && group.stream().anyMatch(plan::concerns))
                .toList();
        if (!own.isEmpty()) {
            clock.time("solve", () -> experts.solve(run, stage, tokens, input, own))
                    .forEach(solution -> solved.add(run.block(), solution, run.parts()));
        }
    }

    private void route(Run run, Activations input) {
        RoutedTokens tokens = clock.time("forward", () -> run.sequences().route(run.block(), input));
        routed = tokens;
        List<Long> counts = Arrays.stream(tokens.coverage()).boxed().toList();
        long slots = counts.stream().mapToLong(Long::longValue).sum();
        coverage.add(
                new ExpertCoverage(run.index(), (int) (slots / run.sequences().tokens()), counts));
    }

    private void together(Run run, List<LinearSite> group, Activations input, @Nullable Moments moments) {
        StageStatistics statistics =
                clock.time("statistics", () -> StageStatistics.of(input, group, plan, rounding, run.spill(), workers));
        statistics.calibrate(group, plan, rounding);
        for (LinearSite site : group) {
            boolean last = site.equals(group.getLast());
            plan.step(site)
                    .ifPresent(step ->
                            solved.solve(run.block(), run.weights(), site, step, statistics.gram(), last, run.parts()));
            plan.filling(site)
                    .ifPresent(filling -> solved.fill(
                            run.block(), run.weights(), site, filling, statistics.gram(), moments, run.parts()));
        }
    }
}
