package dev.halftone.reproduce;

import dev.halftone.calibration.CalibrationOptions;
import dev.halftone.report.Chart;
import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.tensor.Workers;
import java.util.List;

/** A claim about something else than quantized models: it says itself what it measures, on drawn data and on models' tensors. */
public non-sealed interface Experiment extends Reproducible {
    /** Measures and judges. */
    Outcome run(Setting setting, Progress progress);

    /**
     * What to measure on.
     *
     * @param models names that {@link dev.halftone.format.ModelFile#open(String)} knows; may be none
     * @param calibration sequences that show the models' activations
     */
    record Setting(List<String> models, CalibrationOptions calibration, Workers workers) {}

    /** Told what is being measured. */
    @FunctionalInterface
    interface Progress {
        void update(String subject);
    }

    /**
     * What came out.
     *
     * @param measurements a record, for the JSON document
     * @param charts for the page
     */
    record Outcome(Object measurements, List<Table> tables, List<Chart> charts, List<Finding> findings) {}

    /**
     * A table for people.
     *
     * @param rows each as long as the header
     */
    record Table(String title, List<String> header, List<List<String>> rows) {}
}
