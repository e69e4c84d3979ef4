package dev.halftone.spark;

import dev.halftone.error.HalftoneException;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.study.run.CellExecutor.Setting;
import dev.halftone.study.run.CellRunner;
import dev.halftone.tensor.Workers;
import java.io.Serial;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.function.Function;

/** Runs a job where Spark has put it. */
final class CellTask implements Function<Job, Outcome<List<CellResult>>> {
    @Serial
    private static final long serialVersionUID = 1;

    private final Setting setting;
    private final String code;

    /** @param code the driver's {@link dev.halftone.study.plan.CodeVersion} */
    CellTask(Setting setting, String code) {
        this.setting = setting;
        this.code = code;
    }

    @Override
    public Outcome<List<CellResult>> call(Job job) {
        try {
            SameInputs.check(code, job, Path.of(setting.directory()));
            try (Workers workers = new Workers(setting.threads())) {
                CellRunner runner = new CellRunner(setting, workers, Attempt.name());
                return new Outcome<>(new ArrayList<>(runner.run(job)), null);
            }
        } catch (HalftoneException | UncheckedIOException | LinkageError e) {
            // CellRunner keeps what goes wrong with a cell to itself: this is wrong with the machine.
            return new Outcome<>(null, Attempt.place() + ": " + (e instanceof HalftoneException ? e.getMessage() : e));
        }
    }
}
