package dev.halftone.recipe;

import dev.halftone.error.InputException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;

/** Where pieces of a run are computed that do not wait for one another: a service, so that a module can add one. */
public interface PieceExecutor extends AutoCloseable {
    /** A piece, with all that it needs to know. Its text names it in messages. */
    interface Piece extends Serializable {
        /**
         * Computes it, in any process that sees the model and the run's directory, and puts the result into that directory.
         *
         * @param attempt a name that no other attempt at any piece has
         * @return what the run wants to know of it
         */
        String compute(String attempt);
    }

    /** Takes what {@link Piece#compute} gave. */
    @FunctionalInterface
    interface Sink {
        /** @param piece its number in the list */
        void done(int piece, String result);
    }

    /**
     * Computes all pieces. May be called several times.
     *
     * @param threads of one piece
     * @param directory of the run, for what an executor wants to keep meanwhile
     * @param sink is called once for each, by one thread at a time, in any order
     */
    void run(List<? extends Piece> pieces, int threads, Path directory, Sink sink);

    @Override
    void close();

    /** Finds executors. */
    interface Provider extends ExecutorProvider<PieceExecutor> {}

    /**
     * The executor of that name.
     *
     * @throws InputException HT-665 if nobody knows it
     */
    static PieceExecutor named(String master) {
        return ExecutorProvider.named(Provider.class, List.of("local"), master);
    }
}
