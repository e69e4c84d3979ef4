package dev.halftone.study.plan;

import java.io.Serializable;
import java.util.List;

/**
 * A model to be quantized once, and the cells that are measured on it: what an executor runs as a whole, anywhere that sees the
 * study's directory and the files.
 *
 * @param model a name that {@link dev.halftone.format.ModelFile#open(String)} knows
 * @param modelHash SHA-256 over its files
 * @param recipe the study's name for it
 * @param yaml the recipe; empty for the model as it is
 * @param drawFile the token ids, below the study's directory; empty where the recipe reads none
 * @param drawHash SHA-256 of the token ids; empty likewise
 */
public record Job(
        String model, String modelHash, String recipe, String yaml, String drawFile, String drawHash, List<Cell> cells)
        implements Serializable {
    public Job {
        cells = List.copyOf(cells);
    }

    /**
     * One measurement.
     *
     * @param key SHA-256 of all that the result depends on
     * @param probeHash SHA-256 of the probe, its files and the tokenizer that reads them
     */
    public record Cell(String key, Probe probe, String probeHash) implements Serializable {}

    /** True for the model as it is. */
    public boolean fullPrecision() {
        return yaml.isEmpty();
    }
}
