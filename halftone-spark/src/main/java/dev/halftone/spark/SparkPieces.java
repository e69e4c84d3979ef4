package dev.halftone.spark;

import dev.halftone.error.HalftoneException;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.recipe.PieceExecutor;
import dev.halftone.spark.SparkTasks.Done;
import dev.halftone.spark.SparkTasks.GivenUp;
import dev.halftone.study.plan.CodeVersion;
import java.io.Serial;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import org.apache.spark.api.java.function.Function;
import org.jspecify.annotations.Nullable;

/** Pieces of a quantization as tasks of Apache Spark. Executors write what they find; the driver puts the model together. */
public final class SparkPieces implements PieceExecutor {
    /** Exit code of what is wrong with the input. */
    private static final int INPUT = 3;

    /** The code of an executor that does not see what the driver sees. */
    private static final String OTHER_INPUTS = "HT-674";

    private final SparkMaster master;
    private @Nullable SparkCluster cluster;

    private SparkPieces(SparkMaster master) {
        this.master = master;
    }

    /** The service. */
    public static final class Spark extends SparkProvider<PieceExecutor> implements Provider {
        @Override
        PieceExecutor on(SparkMaster master) {
            return new SparkPieces(master);
        }
    }

    private record Numbered(int number, Piece piece) implements Serializable {}

    /**
     * What came of a piece: an error is one of the run, and no other executor would fare better.
     *
     * @param text its result, or the message of its error
     * @param exitCode of the error, or 0
     */
    private record Answer(String text, int exitCode) implements Serializable {
        String result(Piece piece) {
            if (exitCode == 0) {
                return text;
            }
            String found = "failed on executor " + text;
            String remedy = "see the error that the message quotes";
            if (exitCode == INPUT) {
                throw new InputException("HT-688", piece.toString(), found, remedy);
            }
            throw new ResourceException("HT-688", piece.toString(), found, remedy);
        }
    }

    @Override
    public void run(List<? extends Piece> pieces, int threads, Path directory, Sink sink) {
        try (SparkTasks<Numbered, Answer> tasks =
                new SparkTasks<>(started(threads, directory), new PieceTask(CodeVersion.current()))) {
            for (int i = 0; i < pieces.size(); i++) {
                tasks.submit(new Numbered(i, pieces.get(i)));
            }
            for (int left = pieces.size(); left > 0; left--) {
                switch (tasks.next()) {
                    case Done<Numbered, Answer>(Numbered numbered, Answer answer) ->
                        sink.done(numbered.number(), answer.result(numbered.piece()));
                    case GivenUp<Numbered, Answer>(Numbered(int _, Piece piece), String reason) ->
                        throw new ResourceException(
                                "HT-676",
                                piece.toString(),
                                "Spark gave it up: " + reason,
                                "look at the executors' logs");
                }
            }
        }
    }

    /** One application for all rounds of a run. */
    private SparkCluster started(int threads, Path directory) {
        SparkCluster running = cluster;
        if (running == null) {
            SparkLog.to(directory.resolve("spark.log"));
            running = SparkCluster.start(master, threads, directory);
            cluster = running;
        }
        return running;
    }

    @Override
    public void close() {
        if (cluster != null) {
            cluster.close();
            cluster = null;
        }
    }

    /** Computes a piece where Spark has put it. */
    private static final class PieceTask implements Function<Numbered, Outcome<Answer>> {
        @Serial
        private static final long serialVersionUID = 1;

        private final String code;

        PieceTask(String code) {
            this.code = code;
        }

        @Override
        public Outcome<Answer> call(Numbered numbered) {
            try {
                SameInputs.checkCode(code);
                return new Outcome<>(new Answer(numbered.piece().compute(Attempt.name()), 0), null);
            } catch (LinkageError e) {
                return new Outcome<>(null, Attempt.place() + ": " + e);
            } catch (HalftoneException e) {
                String message = Attempt.place() + ": " + e.getMessage();
                return e.code().equals(OTHER_INPUTS)
                        ? new Outcome<>(null, message)
                        : new Outcome<>(new Answer(message, e.exitCode()), null);
            }
        }
    }
}
