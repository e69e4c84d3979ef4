package dev.halftone.hub;

import dev.halftone.error.HalftoneException;
import dev.halftone.error.InputException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.function.LongConsumer;

/**
 * Fetches the content of one file: {@code GET /ID/resolve/COMMIT/FILE}. The unfinished copy is {@code HASH.incomplete}; it is
 * continued by range in a later attempt or a later run, and gets the blob's name when its hash is right.
 */
final class BlobDownload {
    private final HubClient client;
    private final HubId id;
    private final String commit;
    private final Path blobs;
    private final LongConsumer change;

    /** {@code change}: see {@link BlobSink#open}. */
    BlobDownload(HubClient client, HubId id, String commit, Path blobs, LongConsumer change) {
        this.client = client;
        this.id = id;
        this.commit = commit;
        this.blobs = blobs;
        this.change = change;
    }

    static Path partial(Path blobs, HubFile file) {
        return blobs.resolve(file.hash() + ".incomplete");
    }

    /**
     * Fetches a blob that is not there yet.
     *
     * @return bytes that came over the connection
     * @throws HalftoneException HT-273 to HT-279, HT-282, HT-285
     */
    long fetch(HubFile file) throws InterruptedException {
        Path partial = partial(blobs, file);
        Path blob = blobs.resolve(file.hash());
        try (BlobSink sink = BlobSink.open(partial, file, change)) {
            if (sink == null) {
                throw new InputException(
                        "HT-282", partial.toString(), "another pull is writing this file", "wait until it is done");
            }
            // All that gives the copy another name or none is done under its lock: whoever gets the lock next sees the
            // result.
            if (Files.isRegularFile(blob) && Files.size(blob) == file.bytes()) {
                change.accept(file.bytes() - sink.written());
                Files.deleteIfExists(partial);
                return 0; // another pull ended between the look at the cache and here
            }
            receive(sink, file);
            if (sink.tooLong() || !sink.hash().equals(file.hash())) {
                Files.deleteIfExists(partial);
                throw new InputException(
                        "HT-279",
                        id.repository() + "/" + file.name(),
                        "what arrived has not the %s %s that the hub lists; it was deleted"
                                .formatted(file.sha256() == null ? "git hash" : "SHA-256", file.hash()),
                        "pull again");
            }
            sink.force(); // a power cut must not leave an empty file under a name that vouches for its content
            Files.move(partial, blob, StandardCopyOption.ATOMIC_MOVE);
            return sink.received();
        } catch (IOException e) {
            throw HubErrors.disk(partial, e);
        }
    }

    /** Tries until all bytes are there or more than listed came. Throws IOException only for this disk's failures. */
    private void receive(BlobSink sink, HubFile file) throws IOException, InterruptedException {
        URI uri = client.at("/" + id.repository() + "/resolve/" + commit + "/" + HubClient.encode(file.name(), false));
        int failures = 0;
        long best = sink.written();
        while (!sink.complete()) {
            Duration asked = Duration.ZERO;
            String trouble;
            boolean useless = false;
            try {
                String range = sink.written() > 0 ? "bytes=" + sink.written() + "-" : null;
                HttpResponse<Long> response = client.send(uri, range, sink, sink::received, file.hash(), id);
                int status = response.statusCode();
                if (status != 200 && status != 206 && status != 416 && !HubClient.passing(status)) {
                    throw client.refused(status, response.headers(), id);
                }
                useless = status == 416;
                asked = HubClient.retryAfter(response.headers());
                trouble = status == 200 || status == 206 ? "the connection ended early" : "HTTP " + status;
            } catch (IOException e) {
                trouble = HubErrors.why(e);
            }
            sink.detach();
            if (sink.tooLong() || sink.complete()) {
                return;
            }
            if (sink.takeWrongRange() || useless) {
                sink.restart();
            }
            if (sink.written() - best >= Patience.PROGRESS) {
                best = sink.written();
                failures = 0;
            }
            failures++;
            if (failures >= client.patience().attempts()) {
                throw HubErrors.unreachable(client.endpoint().toString(), failures, file.name() + ": " + trouble);
            }
            client.patience().pause(failures, asked);
        }
    }
}
