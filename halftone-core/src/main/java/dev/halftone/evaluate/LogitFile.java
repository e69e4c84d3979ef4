package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.kernel.Kernels;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * The log-probabilities that a model gave at the scored positions of a text's windows, 16 bits each: the file that llama.cpp's
 * {@code llama-perplexity --kl-divergence-base} writes and reads, where the windows are llama.cpp's.
 *
 * <p>Little-endian: {@code "_logits_"}, int32 window length L, vocabulary V and windows n; int32 tokens[n * L]; per scored
 * position a float32 step, a float32 least log-probability and V codes uint16, one more if V is odd. A log-probability is
 * step * code + least; whatever lies further below the most probable token than the writer's range (llama.cpp: 16 nats) counts as
 * least. Rows are normalized again
 * when they are read.
 */
public final class LogitFile implements LogitSource {
    static final byte[] MAGIC = "_logits_".getBytes(StandardCharsets.US_ASCII);
    static final int HEADER = MAGIC.length + 3 * Integer.BYTES;
    static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfShort CODE = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final int ROW_HEADER = 2 * Float.BYTES;

    private final Path path;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;
    private final int length;
    private final int vocabulary;
    private final int windows;
    private final int scored;
    private final long rows;

    private LogitFile(Path path) {
        this.path = path;
        this.memory = map(path);
        if (memory.byteSize() < HEADER) {
            throw damaged("is %d bytes".formatted(memory.byteSize()), "at least %d".formatted(HEADER));
        }
        this.length = memory.get(INT, MAGIC.length);
        this.vocabulary = memory.get(INT, MAGIC.length + 4L);
        this.windows = memory.get(INT, MAGIC.length + 8L);
        if (length < 2 || vocabulary < 1 || windows < 1) {
            throw damaged(
                    "names %d windows of %d tokens, vocabulary %d".formatted(windows, length, vocabulary),
                    "positive numbers");
        }
        this.rows = HEADER + (long) windows * length * Integer.BYTES;
        long rest = memory.byteSize() - rows;
        int half = length - length / 2 - 1;
        if (rest == bytes(half)) {
            this.scored = half;
        } else if (rest == bytes(length - 1)) {
            this.scored = length - 1;
        } else {
            throw damaged(
                    "has %d bytes of log-probabilities".formatted(Math.max(0, rest)),
                    "%d or %d".formatted(bytes(half), bytes(length - 1)));
        }
    }

    /**
     * Opens such a file.
     *
     * @throws InputException HT-608 if it is none or is damaged
     */
    public static LogitFile open(Path path) {
        return new LogitFile(path);
    }

    /** True for a file that begins as these do. */
    public static boolean is(Path path) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (InputStream in = Files.newInputStream(path)) {
            return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
        } catch (IOException _) {
            return false;
        }
    }

    /** Bytes of a position's row. */
    static long rowBytes(int vocabulary) {
        return ROW_HEADER + (vocabulary + 1L) / 2 * 2 * Short.BYTES;
    }

    private long bytes(int scoredPerWindow) {
        return (long) windows * scoredPerWindow * rowBytes(vocabulary);
    }

    private MemorySegment map(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
        } catch (IOException e) {
            throw new InputException("HT-608", file.toString(), "cannot be read: " + e, "check the path");
        }
    }

    private InputException damaged(String found, String expected) {
        return new InputException(
                "HT-608", path.toString(), found + "; expected " + expected, "write it again with eval --save-logits");
    }

    @Override
    public int vocabulary() {
        return vocabulary;
    }

    /** Windows in the file. */
    public int windows() {
        return windows;
    }

    @Override
    public int steps() {
        return 0;
    }

    /**
     * Checks that the file was made from these windows, or from more that begin with them.
     *
     * @throws InputException HT-609 otherwise
     */
    @Override
    public void prepare(List<Window> wanted, Workers workers, Runnable step) {
        if (wanted.size() > windows) {
            throw other("%d windows".formatted(windows), "%d".formatted(wanted.size()));
        }
        for (int i = 0; i < wanted.size(); i++) {
            int[] tokens = wanted.get(i).tokens();
            if (tokens.length != length || wanted.get(i).scored() != scored) {
                throw other(
                        "windows of %d tokens, %d of them scored".formatted(length, scored),
                        "%d and %d".formatted(tokens.length, wanted.get(i).scored()));
            }
            // The first is never scored, and llama.cpp stores it as it was before it became BOS.
            for (int at = 1; at < length; at++) {
                int stored = memory.get(INT, HEADER + ((long) i * length + at) * Integer.BYTES);
                if (stored != tokens[at]) {
                    throw other(
                            "token %d at position %d of window %d".formatted(stored, at, i),
                            "%d".formatted(tokens[at]));
                }
            }
        }
    }

    private InputException other(String found, String expected) {
        return new InputException(
                "HT-609",
                path.toString(),
                "holds " + found + "; this evaluation needs " + expected,
                "use the text, --windows, --length, --bos and at most the --chunks it was made with");
    }

    @Override
    public Rows rows(int window, int from, int count) {
        long first = ((long) window * scored + from) * rowBytes(vocabulary) + rows;
        return (row, target) -> decode(memory.asSlice(first + row * rowBytes(vocabulary)), target);
    }

    /** A row's log-probabilities. */
    static void decode(MemorySegment row, float[] target) {
        float step = row.get(FLOAT, 0);
        float least = row.get(FLOAT, Float.BYTES);
        for (int i = 0; i < target.length; i++) {
            int code = Short.toUnsignedInt(row.get(CODE, ROW_HEADER + (long) i * Short.BYTES));
            target[i] = step * code + least;
        }
    }

    /**
     * How coarse the file is.
     *
     * @param step largest distance of two neighbouring log-probabilities, in nats
     * @param mass largest distance of a row's sum of probabilities from 1: what lies below the least has been raised to it
     */
    public record Coarseness(double step, double mass) {}

    /** Reads all rows. */
    public Coarseness coarseness(Workers workers) {
        double[] steps = new double[windows];
        double[] masses = new double[windows];
        Kernels kernels = Kernels.best();
        workers.forEach(windows, i -> {
            float[] row = new float[vocabulary];
            for (int at = 0; at < scored; at++) {
                MemorySegment stored = memory.asSlice(rows + ((long) i * scored + at) * rowBytes(vocabulary));
                decode(stored, row);
                steps[i] = Math.max(steps[i], stored.get(FLOAT, 0));
                masses[i] = Math.max(masses[i], Math.abs(Math.expm1(kernels.logSumExp(row, 0, vocabulary))));
            }
        });
        return new Coarseness(
                Arrays.stream(steps).max().orElse(0),
                Arrays.stream(masses).max().orElse(0));
    }

    @Override
    public void close() {
        arena.close();
    }
}
