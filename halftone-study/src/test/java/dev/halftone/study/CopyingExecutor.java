package dev.halftone.study;

import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.Job;
import dev.halftone.study.run.CellExecutor;
import dev.halftone.study.run.CellRunner;
import dev.halftone.tensor.Workers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** What an executor on other machines does: jobs and results cross as bytes, in an order of their own. */
public final class CopyingExecutor implements CellExecutor {
    /** The service. */
    public static final class Copying implements Provider {
        @Override
        public String form() {
            return "copying";
        }

        @Override
        public boolean knows(String master) {
            return master.equals("copying");
        }

        @Override
        public CellExecutor open(String master) {
            return new CopyingExecutor();
        }
    }

    @Override
    public void run(List<Job> jobs, Setting setting, Consumer<List<CellResult>> sink) {
        Setting there = copy(setting);
        try (Workers workers = new Workers(1)) {
            for (Job job : jobs.reversed()) {
                CellRunner runner = new CellRunner(there, workers, "-copy");
                sink.accept(copy(new ArrayList<>(runner.run(copy(job)))));
            }
        }
    }

    @SuppressWarnings({"unchecked", "BanSerializableRead"}) // of what was written a line above
    private static <T> T copy(T object) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(object);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (T) in.readObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {}
}
