package dev.halftone.recipe;

import dev.halftone.calibration.Gram;
import dev.halftone.format.InputFormat;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.StoredFormat;
import dev.halftone.format.StoredPart;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.recipe.OriginalStream.Moments;
import dev.halftone.recipe.QuantizationPlan.Filling;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.recipe.SiteReport.EventReport;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.solver.BlockFill.Filled;
import dev.halftone.solver.Event;
import dev.halftone.solver.OutlierMask;
import dev.halftone.solver.Solution;
import dev.halftone.solver.SolvedWeight;
import dev.halftone.solver.WeightProblem;
import dev.halftone.tensor.Workers;
import dev.halftone.transform.ChannelFold;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Solves weight after weight of a run, and remembers what has become of them. */
final class SolvedSites {
    /** Bytes in use from which on what a solver leaves behind is collected at once: the collector would let the heap grow instead. */
    private static final long COLLECTED = 1L << 30;

    private final Recipe recipe;
    private final QuantizationPlan plan;
    private final Workers workers;
    private final PhaseClock clock;
    private final List<SiteReport> sites = new ArrayList<>();
    private final Map<String, StoredFormat> formats = new LinkedHashMap<>();
    private final Map<String, BlockLayout> layouts = new LinkedHashMap<>();

    /** Weights of the running block as they were packed, where training or its evidence asks for them. */
    private final Map<String, StoredWeight> running = new LinkedHashMap<>();

    private final Map<String, OutlierMask> outliers = new LinkedHashMap<>();
    private boolean fellBack;

    SolvedSites(Recipe recipe, QuantizationPlan plan, Workers workers, PhaseClock clock) {
        this.recipe = recipe;
        this.plan = plan;
        this.workers = workers;
        this.clock = clock;
    }

    /** Takes over what an earlier run has solved. */
    void restore(Manifest manifest, String place) {
        fellBack |= manifest.fellBack();
        sites.addAll(manifest.sites());
        formats.putAll(PackedLayout.formats(manifest.packing(), place));
        layouts.putAll(PackedBlocks.layouts(manifest.packing(), place));
    }

    /** Outliers that were chosen before the first block. */
    void choose(Map<String, OutlierMask> chosen) {
        outliers.putAll(chosen);
    }

    private WeightProblem problem(LinearSite site, float[] weight, @Nullable Gram gram) {
        return new WeightProblem(site.weight(), weight, site.out(), site.in(), gram, outliers.get(site.weight()));
    }

    List<SiteReport> reports() {
        return sites;
    }

    /** Packed weights. */
    Map<String, StoredFormat> formats() {
        return formats;
    }

    /** Forgets the weights of the block before. */
    void beginBlock() {
        running.clear();
    }

    /** Weights of the running block, if the recipe trains some. */
    Map<String, StoredWeight> running() {
        return running;
    }

    /**
     * Puts a trained weight in the place of the solved one.
     *
     * @param changed share of codes that are not the nearest on their grids
     */
    void replace(DecoderBlock block, LinearSite site, StoredWeight trained, double changed, List<StoredPart> parts) {
        Set<String> names = new HashSet<>();
        List<StoredPart> stored = trained.parts(site.weight());
        stored.forEach(part -> names.add(part.name()));
        parts.removeIf(part -> names.contains(part.name()));
        parts.addAll(stored);
        if (recipe.propagateQuantized()) {
            block.replace(site, trained.decode());
        }
        sites.replaceAll(report -> report.name().equals(site.weight()) ? report.trained(changed) : report);
    }

    /** Weights in blocks of GGUF types. */
    Map<String, BlockLayout> layouts() {
        return layouts;
    }

    /** True if a solver took a weaker method's result. */
    boolean fellBack() {
        return fellBack;
    }

    /** A solved weight that is not remembered yet. */
    record SolvedSite(
            LinearSite site, WeightStep step, @Nullable Gram gram, SolvedWeight solved, List<Event> before) {}

    /**
     * Solves and remembers.
     *
     * @param block takes the solved weight; null where nothing goes through the model
     * @param last no other weight with this gram follows
     */
    void solve(
            @Nullable DecoderBlock block,
            EditedWeights weights,
            LinearSite site,
            WeightStep step,
            @Nullable Gram gram,
            boolean last,
            List<StoredPart> parts) {
        float[] weight = clock.time("load", () -> ChannelFold.matrix(site, weights));
        WeightProblem problem = problem(site, weight, gram);
        Solution solution = clock.time("solve", () -> step.solver().find(problem, step.format(), workers));
        if (last) {
            step.solver().forget();
        }
        collect();
        SolvedWeight solved = clock.time("evidence", () -> solution.withEvidence(workers));
        add(block, new SolvedSite(site, step, gram, solved, List.of()), parts);
    }

    /**
     * Solves.
     *
     * @param before events that come before the solver's own
     */
    SolvedSite solved(
            LinearSite site,
            WeightStep step,
            float[] weight,
            @Nullable Gram gram,
            List<Event> before,
            Workers threads) {
        WeightProblem problem = problem(site, weight, gram);
        return new SolvedSite(site, step, gram, step.solver().solve(problem, step.format(), threads), before);
    }

    /** Remembers a solved weight, and puts it into the block. */
    void add(@Nullable DecoderBlock block, SolvedSite solution, List<StoredPart> parts) {
        LinearSite site = solution.site();
        SolvedWeight solved = solution.solved();
        StoredWeight packed = solved.packed();
        clock.time("pack", () -> {
            parts.addAll(packed.parts(site.weight()));
            if (block != null && recipe.propagateQuantized()) {
                block.replace(site, packed.decode());
            }
        });
        formats.put(site.weight(), packed.format());
        if (plan.reconstructs()) {
            running.put(site.weight(), packed);
        }
        List<Event> events = Stream.concat(solution.before().stream(), solved.events().stream())
                .toList();
        fellBack |= events.stream().anyMatch(Event::weaker);
        Gram gram = solution.gram();
        sites.add(new SiteReport(
                site.weight(),
                solution.step().solver().name(),
                packed.format().label(),
                inputs(site),
                packed.bitsPerWeight(),
                known(solved.proxyLoss()),
                known(solved.rtnLoss()),
                gram == null ? 0 : gram.tokens(),
                gram == null ? null : gram.trace(),
                solved.codesChanged(),
                false,
                events.stream()
                        .map(event -> EventReport.of(site.weight(), event))
                        .toList()));
        collect();
    }

    /** Fills blocks of a GGUF type. */
    void fill(
            DecoderBlock block,
            EditedWeights weights,
            LinearSite site,
            Filling filling,
            @Nullable Gram gram,
            @Nullable Moments moments,
            List<StoredPart> parts) {
        float[] weight = clock.time("load", () -> ChannelFold.matrix(site, weights));
        WeightProblem problem = new WeightProblem(site.weight(), weight, site.out(), site.in(), gram);
        boolean drifts = filling.solver().options().drift();
        double[] drift =
                moments == null || !drifts ? null : clock.time("statistics", () -> moments.drift(site, weight));
        Filled filled = clock.time("solve", () -> filling.solver().fill(problem, drift, filling.layout(), workers));
        clock.time("pack", () -> {
            parts.add(PackedBlocks.part(site.weight(), filled.blocks()));
            if (recipe.propagateQuantized()) {
                block.replace(site, filled.blocks().decode());
            }
        });
        layouts.put(site.weight(), filling.layout());
        fellBack |= filled.events().stream().anyMatch(Event::weaker);
        sites.add(new SiteReport(
                site.weight(),
                filling.solver().name(),
                filling.layout().name(),
                inputs(site),
                8.0 * filled.blocks().bytes().byteSize() / ((double) site.out() * site.in()),
                filled.proxyLoss(),
                filled.rtnLoss(),
                gram == null ? 0 : gram.tokens(),
                gram == null ? null : gram.trace(),
                filled.codesChanged(),
                false,
                filled.events().stream()
                        .map(event -> EventReport.of(site.weight(), event))
                        .toList()));
        collect();
    }

    private static void collect() {
        Runtime runtime = Runtime.getRuntime();
        if (runtime.totalMemory() - runtime.freeMemory() > COLLECTED) {
            System.gc();
        }
    }

    private @Nullable String inputs(LinearSite site) {
        InputFormat format = plan.inputs().get(site.weight());
        return format == null ? null : format.label() + ", simulated";
    }

    private static @Nullable Double known(double value) {
        return Double.isNaN(value) ? null : value;
    }
}
