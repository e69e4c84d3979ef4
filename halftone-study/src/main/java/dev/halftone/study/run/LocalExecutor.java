package dev.halftone.study.run;

import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.tensor.Workers;
import java.util.List;
import java.util.function.Consumer;

/** One job after the other in this process, each on all threads. */
public final class LocalExecutor implements CellExecutor {
    /** The service. */
    public static final class Local implements Provider {
        @Override
        public String form() {
            return "local";
        }

        @Override
        public boolean knows(String master) {
            return master.equals(form());
        }

        @Override
        public CellExecutor open(String master) {
            return new LocalExecutor();
        }
    }

    @Override
    public void run(List<Job> jobs, Setting setting, Consumer<List<CellResult>> sink) {
        int threads = setting.threads() == 0 ? Runtime.getRuntime().availableProcessors() : setting.threads();
        try (Workers workers = new Workers(threads)) {
            CellRunner runner = new CellRunner(setting, workers, "");
            for (Job job : jobs) {
                sink.accept(runner.run(job));
            }
        }
    }

    @Override
    public void close() {}
}
