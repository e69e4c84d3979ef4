package dev.halftone.study.run;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.recipe.ExecutorProvider;
import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where jobs run. Each is independent of all others, and its results depend on neither place nor order. An executor calls
 * {@link CellRunner} and writes nothing into the store: whoever called it does that.
 */
public interface CellExecutor extends AutoCloseable {
    /**
     * What a job needs to know of the study, wherever it runs.
     *
     * @param directory of the study: draws are read from it, reference logits kept in it, models packed in it
     * @param threads worker threads of one job; 0 where nobody chose, and the executor may
     * @param dtype name of the type in which models run
     * @param device name of where they run
     */
    record Setting(String directory, int threads, String dtype, String device) implements Serializable {
        /** The same with another number of threads. */
        public Setting withThreads(int count) {
            return new Setting(directory, count, dtype, device);
        }

        static Setting of(Path directory, int threads, Compute compute) {
            return new Setting(
                    directory.toString(),
                    threads,
                    compute.type().label(),
                    compute.device().toString());
        }

        /**
         * In what and where models run, on the machine that asks.
         *
         * @throws ResourceException HT-504 if it has no such device
         */
        public Compute compute() {
            ComputeType type = ComputeType.named(dtype);
            return new Compute(type, type, ComputeDevice.named(device));
        }
    }

    /**
     * Runs all jobs.
     *
     * @param sink takes the cells of a finished job, failed ones among them; called by one thread at a time, as soon as it is
     *     known
     */
    void run(List<Job> jobs, Setting setting, Consumer<List<CellResult>> sink);

    @Override
    void close();

    /** Finds executors. */
    interface Provider extends ExecutorProvider<CellExecutor> {}

    /**
     * The executor of that name.
     *
     * @throws InputException HT-665 if nobody knows it
     */
    static CellExecutor named(String master) {
        return ExecutorProvider.named(Provider.class, List.of(), master);
    }
}
