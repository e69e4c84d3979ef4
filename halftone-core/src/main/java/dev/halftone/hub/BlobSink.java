package dev.halftone.hub;

import java.io.IOException;
import java.net.http.HttpResponse.BodyHandler;
import java.net.http.HttpResponse.BodySubscriber;
import java.net.http.HttpResponse.BodySubscribers;
import java.net.http.HttpResponse.ResponseInfo;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The unfinished copy of one blob. Bytes are hashed and written as they arrive from the connection, with no stream between, so
 * that a cut loses none of them; what an earlier run left is hashed once and kept.
 *
 * <p>Callbacks of the HTTP client come on its own threads: all state is guarded by this object's lock, and a connection that was
 * given up cannot write any more.
 */
final class BlobSink implements AutoCloseable, BodyHandler<Long> {
    private static final int COPY = 1 << 20;

    private final HubFile file;
    private final FileChannel channel;
    private final LongConsumer change;
    private MessageDigest digest;
    private long written;
    private long received;
    private @Nullable Body current;
    private @Nullable IOException diskFailure;
    private boolean wrongRange;
    private boolean tooLong;

    private BlobSink(HubFile file, FileChannel channel, LongConsumer change) {
        this.file = file;
        this.channel = channel;
        this.change = change;
        this.digest = file.digest();
    }

    /**
     * Opens the unfinished copy, or starts one.
     *
     * @param change is told by how many bytes the copy grew, or shrank because it had to start again
     * @return null if someone else is writing it
     */
    static @Nullable BlobSink open(Path path, HubFile file, LongConsumer change) throws IOException {
        FileChannel channel =
                FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        boolean locked = false;
        try {
            FileLock lock = channel.tryLock();
            locked = lock != null;
            if (!locked) {
                return null;
            }
            BlobSink sink = new BlobSink(file, channel, change);
            sink.readLeftOver();
            return sink;
        } catch (OverlappingFileLockException _) {
            return null;
        } catch (IOException e) {
            locked = false;
            throw e;
        } finally {
            if (!locked) {
                channel.close();
            }
        }
    }

    private synchronized void readLeftOver() throws IOException {
        long size = channel.size();
        if (size > file.bytes()) {
            channel.truncate(0);
            return;
        }
        ByteBuffer buffer = ByteBuffer.allocate(COPY);
        while (written < size && channel.read(buffer) > 0) {
            written += buffer.position();
            digest.update(buffer.flip());
            buffer.clear();
        }
        channel.position(written);
        change.accept(written);
    }

    /** Bytes that are on disk, from this run and earlier ones. */
    synchronized long written() {
        return written;
    }

    /** Bytes that came over the connection in this run. */
    synchronized long received() {
        return received;
    }

    synchronized boolean complete() {
        return written == file.bytes();
    }

    /** True once if the server's last answer did not go on where this copy ends, so that the next one must start at 0. */
    synchronized boolean takeWrongRange() {
        boolean wrong = wrongRange;
        wrongRange = false;
        return wrong;
    }

    /** True if the server sent more than it listed. */
    synchronized boolean tooLong() {
        return tooLong;
    }

    /** From here on the connection that was writing writes nothing. Reports a failure of the disk, if that ended it. */
    synchronized void detach() throws IOException {
        current = null;
        if (diskFailure != null) {
            throw diskFailure;
        }
    }

    synchronized void restart() throws IOException {
        channel.truncate(0);
        channel.position(0);
        change.accept(-written);
        written = 0;
        digest = file.digest();
    }

    /** Hash of what was written; call it once, when complete. */
    synchronized String hash() {
        return HexFormat.of().formatHex(digest.digest());
    }

    synchronized void force() throws IOException {
        channel.force(false);
    }

    @Override
    public synchronized BodySubscriber<Long> apply(ResponseInfo answer) {
        int status = answer.statusCode();
        if (status != 200 && status != 206) {
            return BodySubscribers.replacing(written);
        }
        Body body = new Body();
        current = body;
        try {
            if (status == 200 && written > 0) {
                restart(); // the server knows no ranges: this is the whole file
            } else if (status == 206 && start(answer) != written) {
                wrongRange = true;
                body.fail(new IOException("the server sent another range than asked for"));
            }
        } catch (IOException e) {
            diskFailure = e;
            body.fail(e);
        }
        return body;
    }

    /** Where a 206 answer begins; -1 if it does not say so. */
    private static long start(ResponseInfo answer) {
        String range = answer.headers().firstValue("Content-Range").orElse("");
        if (!range.matches("bytes \\d{1,18}-.*")) {
            return -1;
        }
        return Long.parseLong(range.substring("bytes ".length(), range.indexOf('-')));
    }

    private synchronized void write(Body from, List<ByteBuffer> buffers) throws IOException {
        if (from != current) {
            throw new IOException("this connection was given up");
        }
        for (ByteBuffer buffer : buffers) {
            int count = buffer.remaining();
            received += count;
            if (count > file.bytes() - written) {
                tooLong = true;
                throw new IOException("more bytes than listed");
            }
            digest.update(buffer.duplicate());
            try {
                while (buffer.hasRemaining()) {
                    channel.write(buffer);
                }
            } catch (IOException e) {
                diskFailure = e;
                throw e;
            }
            written += count;
            change.accept(count);
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** The body of one answer; its value is where this copy ends after it. */
    private final class Body implements BodySubscriber<Long> {
        private final CompletableFuture<Long> done = new CompletableFuture<>();
        private Flow.@Nullable Subscription subscription;

        @Override
        public CompletionStage<Long> getBody() {
            return done;
        }

        @Override
        public void onSubscribe(Flow.Subscription fresh) {
            subscription = fresh;
            if (done.isDone()) {
                fresh.cancel();
            } else {
                fresh.request(1);
            }
        }

        @Override
        public void onNext(List<ByteBuffer> buffers) {
            Flow.Subscription open = subscription;
            if (open == null) {
                return;
            }
            try {
                write(this, buffers);
                open.request(1);
            } catch (IOException e) {
                open.cancel();
                fail(e);
            }
        }

        private void fail(IOException e) {
            done.completeExceptionally(e);
        }

        @Override
        public void onError(Throwable failure) {
            done.completeExceptionally(failure);
        }

        @Override
        public void onComplete() {
            done.complete(written());
        }
    }
}
