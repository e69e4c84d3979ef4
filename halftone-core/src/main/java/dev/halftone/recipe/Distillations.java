package dev.halftone.recipe;

import dev.halftone.checkpoint.SafetensorsPatch;
import dev.halftone.format.ModelFile;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.recipe.QuantizationResult.DistillationReport;
import dev.halftone.recipe.Recipe.DistillationStep;
import dev.halftone.reconstruct.Distillation;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;

/** Trains the scales of a model that was assembled, and writes them into it. */
final class Distillations {
    private final ModelFile model;
    private final Compute compute;
    private final Spill spill;
    private final Workers workers;

    Distillations(ModelFile model, Compute compute, Spill spill, Workers workers) {
        this.model = model;
        this.compute = compute;
        this.spill = spill;
        this.workers = workers;
    }

    /**
     * Trains.
     *
     * @param assembled the quantized model's directory, whose files are changed
     */
    DistillationReport train(
            DistillationStep step, Path assembled, List<int[]> sequences, Quantizer.Progress progress) {
        Distillation.Outcome outcome;
        try (ModelFile packed = ModelFile.open(assembled);
                Decoder original = model.decoder(compute)) {
            Distillation distillation = new Distillation(packed, original, step::matches, sequences, spill, workers);
            outcome = distillation.train(step.options(), compute, progress::distilled);
            try (SafetensorsPatch patch = SafetensorsPatch.open(assembled)) {
                for (String weight : distillation.weights()) {
                    for (StoredPart part : distillation.scaled(weight).parts(weight)) {
                        patch.replace(part.name(), part.bytes());
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new DistillationReport(
                outcome.weights(), outcome.steps(), outcome.heldOut(), outcome.before(), outcome.after());
    }
}
