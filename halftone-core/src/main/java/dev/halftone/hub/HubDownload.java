package dev.halftone.hub;

import dev.halftone.error.HalftoneException;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.hub.PulledModel.PulledFile;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Pulls models from the hub into the cache. Blobs first, then the snapshot's links, the ref last: whatever is cut off, what was
 * found before is still found, and the next pull goes on where this one stopped.
 */
public final class HubDownload {
    private static final int MOST_PARALLEL = 64;

    private final HubCache cache;
    private final URI endpoint;
    private final @Nullable String token;
    private final Patience patience;

    /** {@code token} is sent to the endpoint only, never to the hosts that it redirects to. */
    public HubDownload(HubCache cache, URI endpoint, @Nullable String token, Patience patience) {
        this.cache = cache;
        this.endpoint = endpoint;
        this.token = token;
        this.patience = patience;
    }

    /**
     * As the environment says.
     *
     * @throws InputException HT-276, HT-287, HT-288
     */
    public static HubDownload from(HubEnvironment environment) {
        if (environment.offline()) {
            throw new InputException("HT-288", "HF_HUB_OFFLINE", "forbids connections", "unset it to pull");
        }
        return new HubDownload(
                new HubCache(environment.cache()), environment.endpoint(), environment.token(), Patience.USUAL);
    }

    /**
     * Brings a model's files here; those that are here already are not fetched again.
     *
     * @param parallel files that are fetched at once
     * @throws HalftoneException HT-273 to HT-286
     */
    public PulledModel pull(HubId id, FileChoice choice, int parallel, PullProgress progress)
            throws InterruptedException {
        if (parallel < 1 || parallel > MOST_PARALLEL) {
            throw new InputException("HT-286", "--parallel", "is " + parallel + "; expected 1 to " + MOST_PARALLEL, "");
        }
        try (HubClient client = new HubClient(endpoint, token, patience)) {
            HubListing listing = HubListing.of(client, id);
            List<HubFile> chosen = choice.of(listing.files(), id);
            String commit = listing.commit();
            Map<String, Long> fetched;
            try {
                List<HubFile> missing = missing(id, commit, chosen);
                Files.createDirectories(cache.blobs(id));
                checkSpace(id, missing);
                fetched = fetch(client, id, commit, chosen, missing, parallel, progress);
                Files.createDirectories(cache.snapshot(id, commit));
                for (HubFile file : chosen) {
                    cache.link(id, commit, file);
                }
                cache.writeRef(id, commit);
            } catch (IOException e) {
                throw HubErrors.disk(cache.root(id), e);
            }
            List<PulledFile> files = new ArrayList<>();
            for (HubFile file : chosen) {
                // Two files of one content are fetched once, and counted once.
                Long bytes = fetched.remove(file.hash());
                files.add(new PulledFile(
                        file.name(), file.bytes(), bytes == null ? 0 : bytes, file.sha256(), file.gitSha1()));
            }
            return new PulledModel(id, commit, cache.snapshot(id, commit), List.copyOf(files));
        }
    }

    /** The contents to fetch, each once, the largest first: so the last connection is not left with the longest one. */
    private List<HubFile> missing(HubId id, String commit, List<HubFile> chosen) throws IOException {
        Map<String, HubFile> missing = new LinkedHashMap<>();
        for (HubFile file : chosen) {
            if (!cache.has(id, commit, file)) {
                missing.putIfAbsent(file.hash(), file);
            }
        }
        return missing.values().stream()
                .sorted(Comparator.comparingLong(HubFile::bytes).reversed())
                .toList();
    }

    private long leftOver(HubId id, HubFile file) throws IOException {
        Path partial = BlobDownload.partial(cache.blobs(id), file);
        return Files.isRegularFile(partial) ? Math.min(Files.size(partial), file.bytes()) : 0;
    }

    private void checkSpace(HubId id, List<HubFile> missing) throws IOException {
        long needed = 0;
        for (HubFile file : missing) {
            needed += file.bytes() - leftOver(id, file);
        }
        long free = Files.getFileStore(cache.blobs(id)).getUsableSpace();
        if (needed > free && free > 0) { // some file systems do not know
            throw new ResourceException(
                    "HT-284",
                    cache.root(id).toString(),
                    "%,d bytes are still to come, and the disk has %,d free".formatted(needed, free),
                    "free disk space, set HF_HOME to another disk, or pull less with --include");
        }
    }

    /** Bytes fetched by hash. The first failure ends all downloads; what has arrived stays. */
    private Map<String, Long> fetch(
            HubClient client,
            HubId id,
            String commit,
            List<HubFile> chosen,
            List<HubFile> missing,
            int parallel,
            PullProgress progress)
            throws IOException, InterruptedException {
        long total = chosen.stream().mapToLong(HubFile::bytes).sum();
        AtomicLong done = new AtomicLong(total);
        long found = total;
        for (HubFile file : missing) {
            done.addAndGet(-file.bytes());
            found += leftOver(id, file) - file.bytes();
        }
        long before = found;
        progress.update(done.get(), total, before);
        BlobDownload download = new BlobDownload(
                client, id, commit, cache.blobs(id), bytes -> progress.update(done.addAndGet(bytes), total, before));
        Map<String, Long> fetched = new LinkedHashMap<>();
        record Arrived(HubFile file, long bytes) {}
        ExecutorService threads = Executors.newFixedThreadPool(
                parallel, Thread.ofPlatform().daemon().name("pull-", 0).factory());
        try {
            CompletionService<Arrived> running = new ExecutorCompletionService<>(threads);
            List<Future<Arrived>> all = new ArrayList<>();
            for (HubFile file : missing) {
                all.add(running.submit(() -> new Arrived(file, download.fetch(file))));
            }
            for (int i = 0; i < all.size(); i++) {
                Arrived arrived = running.take().get();
                fetched.put(arrived.file().hash(), arrived.bytes());
            }
        } catch (ExecutionException e) {
            switch (e.getCause()) {
                case RuntimeException ours -> throw ours;
                case Error ours -> throw ours;
                case null, default -> throw new IllegalStateException(e);
            }
        } finally {
            threads.shutdownNow();
            // So that no thread writes to the cache after this method: each has only to notice the interrupt.
            boolean ended = threads.awaitTermination(10, TimeUnit.SECONDS);
            assert ended : "a download does not end";
        }
        return fetched;
    }
}
