package dev.halftone.hub;

/** Told about bytes while a model is pulled, from several threads at once. */
@FunctionalInterface
public interface PullProgress {
    /**
     * Bytes have come.
     *
     * @param done bytes of the pulled files that are on disk
     * @param total bytes of the pulled files
     * @param found bytes that were on disk before, for the estimate of the time left
     */
    void update(long done, long total, long found);
}
