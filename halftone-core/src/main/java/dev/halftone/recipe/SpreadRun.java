package dev.halftone.recipe;

import dev.halftone.calibration.CalibrationSet;
import dev.halftone.calibration.GramShards;
import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.recipe.PieceExecutor.Piece;
import dev.halftone.recipe.Quantizer.Progress;
import dev.halftone.recipe.WorkDirectory.Manifest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A run in pieces that need no order. Without data there is one for each block. Solvers that read H, and get the inputs of the
 * original model ({@code propagate: float}), have two rounds: shards of the calibration sequences, each of which says what it adds to
 * H, then the blocks. As many blocks as the products of all shards have room for go through both rounds at a time.
 *
 * <p>The bytes are those of a run in one process, whatever computes the pieces.
 */
final class SpreadRun {
    /** Bytes of products that may wait on disk. */
    static final long ROOM = 16L << 30;

    private final SpreadSetting setting;
    private final DecoderSpec spec;
    private final QuantizationPlan plan;
    private final List<List<int[]>> shards;
    private final long tokens;
    private final long room;
    private final Map<Integer, Manifest> manifests = new TreeMap<>();

    /** @param calibration null where the recipe reads no data */
    SpreadRun(
            SpreadSetting setting,
            DecoderSpec spec,
            QuantizationPlan plan,
            @Nullable CalibrationSet calibration,
            long room) {
        this.setting = setting;
        this.spec = spec;
        this.plan = plan;
        this.shards = calibration == null ? List.of() : GramShards.cut(calibration.sequences());
        this.tokens = calibration == null ? 0 : calibration.report().tokens();
        this.room = room;
    }

    /** @throws InputException HT-687 for a recipe whose blocks wait for one another */
    static void check(Recipe recipe, QuantizationPlan plan, DecoderSpec spec) {
        String reason = null;
        if (plan.transforms()) {
            reason = "has transforms, which are chosen block by block";
        } else if (plan.fills()) {
            reason = "fills blocks of GGUF types, block by block";
        } else if (plan.needsTokens()) {
            reason = "looks at single tokens, of which shards keep none";
        } else if (!plan.gradients().isEmpty()) {
            reason = "chooses outliers by gradients of the whole model";
        } else if (plan.staticInputs()) {
            reason = "has scales of inputs from calibration";
        } else if (plan.needsCalibration() && recipe.propagateQuantized()) {
            reason = "gives each block what the quantized blocks before it make of its inputs";
        } else if (plan.needsCalibration() && spec.mlp().experts() != null) {
            reason = "is calibrated by what the router sends to each expert";
        }
        if (reason != null) {
            throw new InputException(
                    "HT-687",
                    "--master",
                    recipe.name() + " " + reason,
                    "leave --master out, or write propagate: float into a recipe without transforms");
        }
    }

    /** What the blocks' pieces have said, block by block. */
    List<Manifest> run(PieceExecutor elsewhere, Progress progress) {
        int layers = spec.layers();
        progress.begin(0, layers);
        int blocks = shards.isEmpty() ? layers : blocksAtOnce();
        for (int from = 0; from < layers; from += blocks) {
            int to = Math.min(layers, from + blocks);
            observe(elsewhere, from, Math.min(to, plan.blocks()));
            solve(elsewhere, from, to, progress);
            forget(from, to);
        }
        return List.copyOf(manifests.values());
    }

    private int blocksAtOnce() {
        long most = 1;
        for (int block = 0; block < spec.layers(); block++) {
            long bytes = 0;
            for (List<LinearSite> stage : spec.stages(block)) {
                if (plan.needsGram(stage)) {
                    for (List<int[]> shard : shards) {
                        bytes += GramShards.bytes(
                                stage.getFirst().in(),
                                shard.stream().mapToLong(ids -> ids.length).sum());
                    }
                }
            }
            most = Math.max(most, bytes);
        }
        return Math.clamp(room / most, 1, spec.layers());
    }

    private void observe(PieceExecutor elsewhere, int from, int to) {
        List<Piece> pieces = new ArrayList<>();
        for (int shard = 0; shard < shards.size() && from < to; shard++) {
            // The list goes over the network: a copy that can.
            List<int[]> sequences = new ArrayList<>(shards.get(shard));
            pieces.add(new ShardPiece(setting, shard, sequences, from, to, to < plan.blocks()));
        }
        if (!pieces.isEmpty()) {
            elsewhere.run(pieces, setting.threads(), Path.of(setting.directory()), (_, _) -> {});
        }
    }

    private void solve(PieceExecutor elsewhere, int from, int to, Progress progress) {
        List<Piece> pieces = new ArrayList<>();
        for (int block = from; block < to; block++) {
            pieces.add(new BlockPiece(setting, block, shards.size(), tokens));
        }
        elsewhere.run(pieces, setting.threads(), Path.of(setting.directory()), (piece, manifest) -> {
            manifests.put(from + piece, WorkDirectory.manifest(manifest));
            progress.update(manifests.size(), spec.layers());
        });
    }

    /** Nobody reads the products of these blocks again, or what was before them. */
    private void forget(int from, int to) {
        WorkDirectory work = setting.work();
        try {
            for (int shard = 0; shard < shards.size(); shard++) {
                for (int block = from; block < to; block++) {
                    for (int stage = 0; stage < spec.stages(block).size(); stage++) {
                        Files.deleteIfExists(work.products(block, stage, shard));
                    }
                }
                Files.deleteIfExists(work.shardStream(shard, from - 1));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
