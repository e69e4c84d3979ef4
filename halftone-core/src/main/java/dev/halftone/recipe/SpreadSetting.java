package dev.halftone.recipe;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What every piece of a run needs to know, wherever it is computed.
 *
 * @param model a name that {@link ModelFile#open(String)} knows, with its whole path
 * @param hashes SHA-256 of the run's inputs, the model's files among them
 * @param recipe its name, for messages
 * @param yaml the recipe
 * @param directory where results wait
 * @param threads that compute one piece
 * @param dtype name of the type in which the model runs
 * @param device name of where it runs
 */
record SpreadSetting(
        String model,
        Set<String> hashes,
        String recipe,
        String yaml,
        String directory,
        int threads,
        String dtype,
        String device)
        implements Serializable {
    /** What this process has compared already, by model. */
    private static final Map<String, Set<String>> COMPARED = new ConcurrentHashMap<>();

    static SpreadSetting of(
            ModelFile model, Provenance provenance, Recipe recipe, Compute compute, Path directory, int threads) {
        String transform = model.transform().isEmpty() ? "" : "+" + model.transform();
        return new SpreadSetting(
                model.path().toAbsolutePath() + transform,
                Set.copyOf(provenance.inputs().values()),
                recipe.name(),
                recipe.source(),
                directory.toAbsolutePath().toString(),
                threads,
                compute.type().label(),
                compute.device().toString());
    }

    /**
     * The model, as this process sees it.
     *
     * @throws InputException HT-674 if it is not the one that was meant
     */
    ModelFile open() {
        ModelFile opened = ModelFile.open(model);
        if (!hashes.equals(COMPARED.get(model))) {
            Collection<String> own = Provenance.of(opened.checkpoint().files(), Map.of())
                    .inputs()
                    .values();
            if (!hashes.containsAll(own)) {
                opened.close();
                throw new InputException(
                        "HT-674", model, "has other contents here than where the command was started", "");
            }
            COMPARED.put(model, hashes);
        }
        return opened;
    }

    Recipe parsed() {
        return Recipes.parse(recipe, yaml);
    }

    Compute compute() {
        ComputeType type = ComputeType.named(dtype);
        return new Compute(type, type, ComputeDevice.named(device));
    }

    WorkDirectory work() {
        return new WorkDirectory(Path.of(directory));
    }
}
