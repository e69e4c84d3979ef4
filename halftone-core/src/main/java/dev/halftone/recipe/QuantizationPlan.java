package dev.halftone.recipe;

import dev.halftone.checkpoint.GgufType;
import dev.halftone.error.InputException;
import dev.halftone.export.gguf.GgufTensors;
import dev.halftone.format.CacheFormat;
import dev.halftone.format.CacheQuantization;
import dev.halftone.format.InputFormat;
import dev.halftone.format.ScalableWeight;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.recipe.Recipe.BlockStep;
import dev.halftone.recipe.Recipe.CacheStep;
import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.recipe.Recipe.InputStep;
import dev.halftone.recipe.Recipe.ReconstructionStep;
import dev.halftone.recipe.Recipe.TransformStep;
import dev.halftone.recipe.Recipe.WeightStep;
import dev.halftone.reconstruct.SignRound;
import dev.halftone.solver.BlockFill;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A recipe compared with a model: which step solves which weight. Everything that can be refused is refused here, before any work. */
public final class QuantizationPlan {
    private final Map<String, WeightStep> steps;
    private final Map<String, Filling> fillings;
    private final Map<String, BlockLayout> outer;
    private final Map<String, InputFormat> inputs;
    private final CacheQuantization cache;
    private final List<TransformStep> transforms;
    private final Map<String, ReconstructionStep> reconstructions;
    private final boolean distills;
    private final int blocks;

    /** How a weight becomes blocks of a GGUF type. */
    record Filling(BlockFill solver, BlockLayout layout) {}

    private QuantizationPlan(
            Map<String, WeightStep> steps,
            Map<String, Filling> fillings,
            Map<String, BlockLayout> outer,
            Map<String, InputFormat> inputs,
            CacheQuantization cache,
            List<TransformStep> transforms,
            Map<String, ReconstructionStep> reconstructions,
            boolean distills,
            DecoderSpec spec) {
        this.distills = distills;
        this.fillings = fillings;
        this.outer = outer;
        this.transforms = transforms;
        this.reconstructions = reconstructions;
        this.steps = steps;
        this.inputs = inputs;
        this.cache = cache;
        this.blocks = IntStream.range(0, spec.layers())
                .filter(i -> spec.stages(i).stream().flatMap(List::stream).anyMatch(this::concerns))
                .map(i -> i + 1)
                .max()
                .orElse(0);
    }

    /**
     * Matches the recipe's steps with the model's linear weights.
     *
     * @throws InputException HT-430 for a step that matches nothing, HT-431 for a group that does not divide a layer
     */
    public static QuantizationPlan of(Recipe recipe, DecoderSpec spec) {
        List<LinearSite> sites = Decoder.linears(spec);
        Map<String, WeightStep> chosen = new LinkedHashMap<>();
        for (WeightStep step : recipe.steps()) {
            List<LinearSite> matched =
                    sites.stream().filter(site -> step.matches(site)).toList();
            if (matched.isEmpty()) {
                throw unmatched(step.place(), step.targets(), sites);
            }
            matched.forEach(site -> chosen.put(site.weight(), step));
        }
        for (LinearSite site : sites) {
            WeightStep step = chosen.get(site.weight());
            if (step != null && !step.format().divides(site.in())) {
                throw indivisible(step, site, sites, chosen);
            }
        }
        for (TransformStep step : recipe.transforms()) {
            if (sites.stream().noneMatch(site -> step.matches(site))) {
                throw unmatched(step.place(), step.targets(), sites);
            }
        }
        Map<String, Filling> fillings = fillings(recipe, spec, sites);
        chosen.keySet().removeAll(fillings.keySet());
        return new QuantizationPlan(
                chosen,
                fillings,
                outer(recipe, spec, sites),
                inputs(recipe, sites),
                cache(recipe, spec),
                recipe.transforms(),
                reconstructions(recipe, sites, chosen),
                distills(recipe, sites, chosen, fillings),
                spec);
    }

    private static Map<String, ReconstructionStep> reconstructions(
            Recipe recipe, List<LinearSite> sites, Map<String, WeightStep> weights) {
        Map<String, ReconstructionStep> chosen = new LinkedHashMap<>();
        for (ReconstructionStep step : recipe.reconstructions()) {
            List<LinearSite> matched = sites.stream()
                    .filter(site -> step.matches(site) && weights.containsKey(site.weight()))
                    .toList();
            if (matched.isEmpty()) {
                throw new InputException(
                        "HT-430",
                        step.place(),
                        "targets " + step.targets() + " match no weight that a weights step quantizes",
                        "names look like " + sites.getFirst().weight());
            }
            for (LinearSite site : matched) {
                WeightStep start = Objects.requireNonNull(weights.get(site.weight()));
                if (!SignRound.trains(start.format()) || !start.solver().givesPlainCodes()) {
                    throw new InputException(
                            "HT-436",
                            step.place(),
                            "signround cannot train %s by %s of %s"
                                    .formatted(
                                            start.format().label(),
                                            start.solver().name(),
                                            site.weight()),
                            "it trains integers with one scale per group of a row, with a zero point or symmetric; name others"
                                    + " in targets");
                }
                chosen.put(site.weight(), step);
            }
        }
        return chosen;
    }

    /** Weights that the mixture leaves as floats are in no block. */
    private static Map<String, Filling> fillings(Recipe recipe, DecoderSpec spec, List<LinearSite> sites) {
        Map<String, Filling> fillings = new LinkedHashMap<>();
        for (BlockStep step : recipe.blocks()) {
            if (sites.stream().noneMatch(site -> step.matches(site))) {
                throw unmatched(step.place(), step.targets(), sites);
            }
            if (!recipe.transforms().isEmpty() && step.solver().options().drift()) {
                throw new InputException(
                        "HT-421",
                        step.place(),
                        "transforms change the activations that target: original compares",
                        "write target: weight");
            }
            Map<String, GgufType> types = GgufTensors.types(spec, step.mixture(), true, step.place());
            for (LinearSite site : sites) {
                GgufType type = types.get(site.weight());
                if (step.matches(site) && type != null && BlockLayout.has(type)) {
                    fillings.put(site.weight(), new Filling(step.solver(), BlockLayout.of(type)));
                }
            }
        }
        return fillings;
    }

    /** Embedding and head of the mixtures. */
    private static Map<String, BlockLayout> outer(Recipe recipe, DecoderSpec spec, List<LinearSite> sites) {
        Set<String> linears = sites.stream().map(LinearSite::weight).collect(Collectors.toSet());
        Map<String, BlockLayout> outer = new LinkedHashMap<>();
        for (BlockStep step : recipe.blocks()) {
            GgufTensors.types(spec, step.mixture(), true, step.place()).forEach((tensor, type) -> {
                if (!linears.contains(tensor) && step.matchesOuter(tensor) && BlockLayout.has(type)) {
                    outer.put(tensor, BlockLayout.of(type));
                }
            });
        }
        return outer;
    }

    private static Map<String, InputFormat> inputs(Recipe recipe, List<LinearSite> sites) {
        Map<String, InputFormat> chosen = new LinkedHashMap<>();
        for (InputStep step : recipe.inputs()) {
            List<LinearSite> matched =
                    sites.stream().filter(site -> step.matches(site)).toList();
            if (matched.isEmpty()) {
                throw unmatched(step.place(), step.targets(), sites);
            }
            for (LinearSite site : matched) {
                if (step.format().block() > 0 && site.in() % step.format().block() != 0) {
                    throw indivisible(
                            step.place(), step.format().block(), site, "use another group, or granularity: token");
                }
                chosen.put(site.weight(), step.format());
            }
        }
        return chosen;
    }

    private static CacheQuantization cache(Recipe recipe, DecoderSpec spec) {
        List<String> sites = CacheQuantization.sites(spec);
        int headDim = spec.attention().headDim();
        Map<String, CacheFormat> chosen = new LinkedHashMap<>();
        for (CacheStep step : recipe.caches()) {
            if (spec.encoder()) {
                throw new InputException(
                        "HT-430", step.place(), "an encoder keeps no keys and values", "leave the cache step out");
            }
            List<String> matched = sites.stream().filter(step::matches).toList();
            if (matched.isEmpty()) {
                throw new InputException(
                        "HT-430",
                        step.place(),
                        "targets " + step.targets() + " match no keys or values of the model",
                        "names look like " + sites.getFirst());
            }
            if (!step.format().divides(headDim)) {
                throw new InputException(
                        "HT-431",
                        step.place(),
                        "a group of %d does not divide the %d channels of a head"
                                .formatted(step.format().group(), headDim),
                        "leave group out for whole heads");
            }
            matched.forEach(site -> chosen.put(site, step.format()));
        }
        return new CacheQuantization(chosen);
    }

    private static InputException unmatched(String place, List<String> targets, List<LinearSite> sites) {
        return new InputException(
                "HT-430",
                place,
                "targets " + targets + " match no linear weight of the model",
                "names look like " + sites.getFirst().weight());
    }

    /** Blocks up to the last one in which the recipe changes something; those behind it are kept as they are. */
    int blocks() {
        return blocks;
    }

    /** True if the recipe does something to the linear or its inputs. */
    boolean concerns(LinearSite site) {
        return steps.containsKey(site.weight())
                || fillings.containsKey(site.weight())
                || inputs.containsKey(site.weight())
                || transforms.stream().anyMatch(step -> step.matches(site));
    }

    /** How the inputs of linears are quantized, by the name of the weight. */
    Map<String, InputFormat> inputs() {
        return inputs;
    }

    /** How keys and values are quantized. */
    CacheQuantization cache() {
        return cache;
    }

    /** True if the inputs of these, which are common, need a range from calibration. */
    boolean needsRange(List<LinearSite> sites) {
        return sites.stream().anyMatch(this::isStatic);
    }

    /** True if the linear's inputs are quantized with a scale from calibration. */
    boolean isStatic(LinearSite site) {
        InputFormat format = inputs.get(site.weight());
        return format != null && format.granularity() == InputFormat.Granularity.STATIC;
    }

    private static InputException indivisible(
            WeightStep step, LinearSite site, List<LinearSite> sites, Map<String, WeightStep> chosen) {
        List<Integer> widths = sites.stream()
                .filter(other -> step.equals(chosen.get(other.weight())))
                .map(LinearSite::in)
                .distinct()
                .toList();
        String fitting = IntStream.rangeClosed(8, 512)
                .filter(size -> widths.stream()
                        .allMatch(width -> step.format().withGroup(size).divides(width)))
                .mapToObj(String::valueOf)
                .collect(Collectors.joining(", "));
        return indivisible(
                step.place(),
                step.format().group(),
                site,
                fitting.isEmpty()
                        ? "use group -1, one scale per row"
                        : "group sizes that divide all targeted layers: " + fitting);
    }

    private static InputException indivisible(String place, int group, LinearSite site, String remedy) {
        return new InputException(
                "HT-431",
                place,
                "a group of %d does not divide the %d inputs of %s".formatted(group, site.in(), site.weight()),
                remedy);
    }

    /** True if the recipe trains the scales of the whole model, which is checked. */
    private static boolean distills(
            Recipe recipe, List<LinearSite> sites, Map<String, WeightStep> weights, Map<String, Filling> fillings) {
        DistillationStep step = recipe.distillation();
        if (step == null) {
            return false;
        }
        if (!recipe.inputs().isEmpty() || !recipe.caches().isEmpty()) {
            throw new InputException(
                    "HT-437",
                    step.place(),
                    "scales are trained with float inputs, keys and values, and this recipe quantizes some",
                    "leave out the distill step, or inputs and cache");
        }
        boolean some = sites.stream().filter(step::matches).anyMatch(site -> {
            WeightStep start = weights.get(site.weight());
            Filling filling = fillings.get(site.weight());
            return (start != null && ScalableWeight.scales(start.format()))
                    || (filling != null && !filling.layout().halves().isEmpty());
        });
        if (!some) {
            throw new InputException(
                    "HT-430",
                    step.place(),
                    "targets " + step.targets() + " match no weight with scales that can be trained",
                    "they are fp16, bf16 or fp32 numbers, one for each group of a row");
        }
        return true;
    }

    /** The step that solves a weight; empty if the weight is kept. */
    Optional<WeightStep> step(LinearSite site) {
        return Optional.ofNullable(steps.get(site.weight()));
    }

    /** How a weight becomes blocks; empty if it does not. */
    Optional<Filling> filling(LinearSite site) {
        return Optional.ofNullable(fillings.get(site.weight()));
    }

    /** Embedding and head that become blocks. */
    Map<String, BlockLayout> outer() {
        return outer;
    }

    /** How the weight is trained behind its solver; empty if it is not. */
    Optional<ReconstructionStep> reconstruction(LinearSite site) {
        return Optional.ofNullable(reconstructions.get(site.weight()));
    }

    /** True if some weight is trained. */
    boolean reconstructs() {
        return !reconstructions.isEmpty();
    }

    /** True if a solver compares with the original model's activations. */
    boolean drifts() {
        return fillings.values().stream()
                .anyMatch(filling -> filling.solver().options().drift());
    }

    /** True if some weight of these needs its inputs' second moments. */
    boolean needsGram(List<LinearSite> sites) {
        return sites.stream()
                .anyMatch(site -> fillings.containsKey(site.weight())
                        || step(site).map(step -> step.solver().needsGram()).orElse(false));
    }

    /** True if some weight of these needs some of its inputs themselves. */
    boolean needsTokens(List<LinearSite> sites) {
        return sites.stream()
                .anyMatch(site ->
                        step(site).map(step -> step.solver().needsTokens()).orElse(false));
    }

    /** True if some weight does. */
    boolean needsTokens() {
        return steps.values().stream().anyMatch(step -> step.solver().needsTokens());
    }

    /** Weights that will be quantized. */
    public List<String> targets() {
        List<String> targets = new ArrayList<>(steps.keySet());
        targets.addAll(fillings.keySet());
        return targets;
    }

    /** True if the recipe has transforms. */
    boolean transforms() {
        return !transforms.isEmpty();
    }

    /** True if the original model's activations go along with the quantized one's. */
    boolean twoStreams() {
        return transforms() || drifts();
    }

    /** True if inputs of some linear are quantized with a scale from calibration. */
    boolean staticInputs() {
        return inputs.values().stream().anyMatch(format -> format.granularity() == InputFormat.Granularity.STATIC);
    }

    /** True if weights, embedding or head become blocks of GGUF types. */
    boolean fills() {
        return !fillings.isEmpty() || !outer.isEmpty();
    }

    /** True if the recipe reads calibration data. */
    boolean needsCalibration() {
        return needsSequences() || distills || !gradients().isEmpty();
    }

    /** The weights whose outliers the gradient of the model's loss chooses. */
    Map<String, WeightStep> gradients() {
        Map<String, WeightStep> gradients = new LinkedHashMap<>();
        steps.forEach((weight, step) -> {
            if (step.solver().gradientChoice().isPresent()) {
                gradients.put(weight, step);
            }
        });
        return gradients;
    }

    /** True if calibration sequences have to go through the model block by block. */
    boolean needsSequences() {
        return transforms()
                || !fillings.isEmpty()
                || reconstructs()
                || steps.values().stream().anyMatch(step -> step.solver().needsGram())
                || staticInputs();
    }
}
