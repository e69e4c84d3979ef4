package dev.halftone.recipe;

import dev.halftone.calibration.GramShards;
import dev.halftone.error.ResourceException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.Sequences;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Some calibration sequences taken through some blocks of the original model: what they add to H of every stage.
 *
 * @param number of the shard
 * @param sequences token ids
 * @param from first block; the residual streams before it wait in the run's directory unless it is 0
 * @param to block behind the last
 * @param goesOn keep the residual streams
 */
record ShardPiece(SpreadSetting setting, int number, List<int[]> sequences, int from, int to, boolean goesOn)
        implements PieceExecutor.Piece {
    @Override
    public String compute(String attempt) {
        WorkDirectory work = setting.work();
        try (ModelFile model = setting.open();
                Workers workers = new Workers(setting.threads());
                Decoder decoder = model.decoder(setting.compute());
                Sequences running =
                        new Sequences(decoder, sequences, workers, new Spill(work.path(), Spill.When.LARGE))) {
            QuantizationPlan plan = QuantizationPlan.of(setting.parsed(), model.spec());
            decoder.keepOnlyBlocks();
            if (from > 0) {
                running.restore(work.shardStream(number, from - 1));
            }
            for (int index = from; index < to; index++) {
                try (DecoderBlock block = decoder.block(index)) {
                    observe(block, index, plan, running, workers, attempt);
                }
            }
            if (goesOn) {
                Path fresh = work.fresh(work.shardStream(number, to - 1), attempt);
                running.save(fresh);
                WorkDirectory.place(fresh, work.shardStream(number, to - 1));
            }
            return "";
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-502", setting.directory(), "cannot be written: " + e, "free some space and run again");
        }
    }

    private void observe(
            DecoderBlock block, int index, QuantizationPlan plan, Sequences running, Workers workers, String attempt)
            throws IOException {
        WorkDirectory work = setting.work();
        Activations input = running.begin(block);
        for (int stage = 0; input != null; stage++) {
            if (plan.needsGram(block.stages().get(stage))) {
                Path file = work.products(index, stage, number);
                Path fresh = work.fresh(file, attempt);
                GramShards.write(fresh, input, workers);
                WorkDirectory.place(fresh, file);
            }
            input = running.advance(block, stage, input);
        }
    }

    @Override
    public String toString() {
        return "blocks %d to %d of shard %d".formatted(from, to - 1, number);
    }
}
