package dev.halftone.recipe;

import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramShards;
import dev.halftone.error.ResourceException;
import dev.halftone.format.InputRounding;
import dev.halftone.format.ModelFile;
import dev.halftone.format.PackedBlocks;
import dev.halftone.format.PackedLayout;
import dev.halftone.format.StoredPart;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.recipe.WorkDirectory.Manifest;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One block solved alone. What becomes of its weights depends on the original model alone, and where the recipe reads data on the
 * sums of {@link ShardPiece}.
 *
 * @param shards whose sums are added, in their order; 0 where the recipe reads no data
 * @param tokens of all shards together
 */
record BlockPiece(SpreadSetting setting, int index, int shards, long tokens) implements PieceExecutor.Piece {
    /** Solves it, and puts its tensors where {@link Quantizer} finds them; returns what the run's manifest will say of it. */
    @Override
    public String compute(String attempt) {
        try (ModelFile model = setting.open();
                Workers workers = new Workers(setting.threads())) {
            Recipe recipe = setting.parsed();
            QuantizationPlan plan = QuantizationPlan.of(recipe, model.spec());
            SolvedSites solved = new SolvedSites(recipe, plan, workers, new PhaseClock());
            EditedWeights weights = new EditedWeights(model.weights());
            List<StoredPart> parts = new ArrayList<>();
            List<List<LinearSite>> stages = model.spec().stages(index);
            for (int stage = 0; stage < stages.size(); stage++) {
                List<LinearSite> members = stages.get(stage);
                Gram gram = plan.needsGram(members) ? gram(stage, members) : null;
                for (LinearSite site : members) {
                    boolean last = site.equals(members.getLast());
                    plan.step(site).ifPresent(step -> solved.solve(null, weights, site, step, gram, last, parts));
                }
            }
            setting.work().put(index, parts, attempt);
            return WorkDirectory.text(manifest("", index + 1, solved, new InputRounding(plan.inputs())));
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-502", setting.directory(), "cannot be written: " + e, "free some space and run again");
        }
    }

    private Gram gram(int stage, List<LinearSite> members) throws IOException {
        WorkDirectory work = setting.work();
        GramShards sum = new GramShards(members.getFirst().in());
        for (int shard = 0; shard < shards; shard++) {
            sum.add(work.products(index, stage, shard));
        }
        return sum.mean(tokens);
    }

    /** Of blocks without transforms. */
    static Manifest manifest(String key, int blocks, SolvedSites solved, InputRounding rounding) {
        ObjectNode packing = JsonMapper.shared().createObjectNode();
        PackedLayout.describe(packing, solved.formats(), rounding);
        PackedBlocks.describe(packing, solved.layouts());
        return new Manifest(key, blocks, solved.fellBack(), List.of(), List.of(), List.of(), solved.reports(), packing);
    }

    @Override
    public String toString() {
        return "block " + index;
    }
}
