package dev.halftone.training;

import dev.halftone.error.InputException;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Windows of a list of texts. A window has {@code sequence} inputs and as many targets: with BOS the inputs are BOS and all
 * targets but the last; else the inputs begin one token before the targets. Windows do not overlap in their targets and never
 * go from one file into the next.
 */
final class TokenData {
    private final int[][] files;
    private final int[] windowFile;
    private final int[] windowStart;
    private final int sequence;
    private final int bos;
    private final long tokens;
    private final long bytes;

    /** Inputs and targets of some windows, one after the other. */
    record Batch(int[] inputs, int[] targets) {}

    private TokenData(int[][] files, long bytes, int sequence, int bos) {
        this.files = files;
        this.sequence = sequence;
        this.bos = bos;
        this.bytes = bytes;
        int before = bos >= 0 ? 0 : 1;
        int count = 0;
        long all = 0;
        for (int[] ids : files) {
            count += Math.max(0, ids.length - before) / sequence;
            all += ids.length;
        }
        this.tokens = all;
        windowFile = new int[count];
        windowStart = new int[count];
        int at = 0;
        for (int f = 0; f < files.length; f++) {
            for (int start = before; start + sequence <= files[f].length; start += sequence) {
                windowFile[at] = f;
                windowStart[at++] = start;
            }
        }
    }

    /**
     * Tokens of the files, from the cache where they were made before.
     *
     * @param bos token in front of every window, or -1
     * @param cache directory of token files, named after the hashes of text and tokenizer
     */
    static TokenData of(List<Path> texts, TextTokenizer tokenizer, int sequence, int bos, Path cache, Workers workers) {
        String tokenizerHash = Provenance.sha256(tokenizer.toJson());
        int[][] files = new int[texts.size()][];
        long[] sizes = new long[texts.size()];
        workers.forEach(texts.size(), i -> {
            Path text = texts.get(i);
            try {
                sizes[i] = Files.size(text);
                Path file = cache.resolve(Provenance.sha256(Provenance.sha256(text) + tokenizerHash) + ".tokens");
                if (Files.isRegularFile(file)) {
                    files[i] = read(file);
                } else {
                    files[i] = tokenizer.encode(TextFiles.read(text));
                    write(file, files[i]);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        long bytes = 0;
        for (long size : sizes) {
            bytes += size;
        }
        TokenData data = new TokenData(files, bytes, sequence, bos);
        if (data.windows() == 0) {
            throw new InputException(
                    "HT-801",
                    texts.getFirst().toString(),
                    "the texts have no window of " + sequence + " tokens",
                    "give longer texts or a smaller data.sequence");
        }
        return data;
    }

    private static int[] read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        int[] ids = new int[bytes.length / Integer.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asIntBuffer().get(ids);
        return ids;
    }

    private static void write(Path file, int[] ids) throws IOException {
        Files.createDirectories(file.getParent());
        ByteBuffer buffer = ByteBuffer.allocate(ids.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        buffer.asIntBuffer().put(ids);
        Path part = Files.createTempFile(file.getParent(), "tokens", ".part");
        try (FileChannel channel = FileChannel.open(part, java.nio.file.StandardOpenOption.WRITE)) {
            while (buffer.hasRemaining()) {
                channel.write(buffer);
            }
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    int windows() {
        return windowFile.length;
    }

    long tokens() {
        return tokens;
    }

    /** Bytes of text per token. */
    double bytesPerToken() {
        return (double) bytes / tokens;
    }

    int highestId() {
        int highest = 0;
        for (int[] ids : files) {
            for (int id : ids) {
                highest = Math.max(highest, id);
            }
        }
        return highest;
    }

    /** The order of an epoch's windows: a shuffle that depends on seed and epoch alone. */
    int[] order(long seed, int epoch) {
        int[] order = new int[windows()];
        SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + epoch);
        for (int i = 0; i < order.length; i++) {
            int other = random.nextInt(i + 1);
            order[i] = order[other];
            order[other] = i;
        }
        return order;
    }

    /** The windows of these numbers. */
    Batch batch(int[] windows) {
        int[] inputs = new int[windows.length * sequence];
        int[] targets = new int[windows.length * sequence];
        for (int i = 0; i < windows.length; i++) {
            int[] ids = files[windowFile[windows[i]]];
            int start = windowStart[windows[i]];
            System.arraycopy(ids, start, targets, i * sequence, sequence);
            if (bos >= 0) {
                inputs[i * sequence] = bos;
                System.arraycopy(ids, start, inputs, i * sequence + 1, sequence - 1);
            } else {
                System.arraycopy(ids, start - 1, inputs, i * sequence, sequence);
            }
        }
        return new Batch(inputs, targets);
    }
}
