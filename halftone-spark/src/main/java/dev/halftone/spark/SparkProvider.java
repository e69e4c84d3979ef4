package dev.halftone.spark;

import dev.halftone.recipe.ExecutorProvider;

/**
 * Answers to the names of Spark's masters.
 *
 * @param <E> the executors
 */
abstract class SparkProvider<E> implements ExecutorProvider<E> {
    @Override
    public final String form() {
        return SparkMaster.FORM;
    }

    @Override
    public final boolean knows(String master) {
        return SparkMaster.looksLikeOne(master);
    }

    /** A cluster that does not answer is found out here, before anything else is done. */
    @Override
    public final E open(String master) {
        SparkMaster parsed = SparkMaster.parse(master);
        if (parsed instanceof SparkMaster.Standalone standalone) {
            standalone.reach();
        }
        return on(parsed);
    }

    abstract E on(SparkMaster master);
}
