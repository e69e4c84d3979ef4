package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.kernel.Kernels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * Writes a {@link LogitFile} while an evaluation runs, beside its place; {@link #finish} moves it there. Measures what the 16
 * bits cost: the divergence of what is stored from what the model gave.
 */
public final class LogitFileWriter implements Evaluation.Listener, AutoCloseable {
    /**
     * Log-probabilities this far below the most probable token are not told apart. llama.cpp's 16 leaves a tail that, raised to
     * exp(-16) per token, adds a thousandth of a nat to every divergence.
     */
    private static final float RANGE = 32;

    private static final float LARGEST_CODE = 65535;
    private final Path path;
    private final Path beside;
    private final FileChannel channel;
    private final int vocabulary;
    private final int scored;
    private final long rows;
    private final double[] divergence;

    /**
     * @param windows all of one length with as many scored positions
     * @throws InputException HT-621 where they are not, or the rule scores neither half of a window nor all of it
     */
    public LogitFileWriter(Path path, List<Window> windows, int vocabulary) {
        this.path = path;
        this.beside = path.resolveSibling("." + path.getFileName() + ".part");
        this.vocabulary = vocabulary;
        int length = windows.getFirst().tokens().length;
        this.scored = windows.getFirst().scored();
        boolean even =
                windows.stream().allMatch(window -> window.tokens().length == length && window.scored() == scored);
        if (!even || (scored != length - 1 && scored != length - length / 2 - 1)) {
            throw new InputException(
                    "HT-621",
                    "--save-logits",
                    "the windows are not all alike; expected the windows of gptq or llamacpp",
                    "use --windows gptq or llamacpp");
        }
        this.rows = LogitFile.HEADER + (long) windows.size() * length * Integer.BYTES;
        this.divergence = new double[windows.size() * scored];
        try {
            this.channel = FileChannel.open(
                    beside, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
            writeHeader(windows, length);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void writeHeader(List<Window> windows, int length) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment header = arena.allocate(rows);
            MemorySegment.copy(MemorySegment.ofArray(LogitFile.MAGIC), 0, header, 0, LogitFile.MAGIC.length);
            long at = LogitFile.MAGIC.length;
            for (int value : new int[] {length, vocabulary, windows.size()}) {
                header.set(LogitFile.INT, at, value);
                at += Integer.BYTES;
            }
            for (Window window : windows) {
                for (int token : window.tokens()) {
                    header.set(LogitFile.INT, at, token);
                    at += Integer.BYTES;
                }
            }
            write(header.asByteBuffer(), 0);
        }
    }

    @Override
    public void row(int window, int position, float[] logits, double norm) {
        Kernels kernels = Kernels.best();
        float largest = logits[kernels.argMax(logits, 0, logits.length)];
        float least = largest;
        for (float logit : logits) {
            least = Math.min(least, logit);
        }
        least = Math.max(least, largest - RANGE);
        float step = (largest - least) / LARGEST_CODE;
        MemorySegment row = MemorySegment.ofArray(new byte[Math.toIntExact(LogitFile.rowBytes(vocabulary))]);
        row.set(LogitFile.FLOAT, 0, step);
        row.set(LogitFile.FLOAT, Float.BYTES, (float) (least - norm));
        for (int i = 0; i < logits.length && step > 0; i++) {
            int code = logits[i] > least ? Math.round((logits[i] - least) / step) : 0;
            row.set(LogitFile.CODE, LogitFile.ROW_HEADER + (long) i * Short.BYTES, (short) code);
        }
        float[] stored = new float[vocabulary];
        LogitFile.decode(row, stored);
        int at = window * scored + position;
        divergence[at] = kernels.divergence(logits, norm, stored, kernels.logSumExp(stored, 0, vocabulary), vocabulary);
        try {
            write(row.asByteBuffer(), rows + at * LogitFile.rowBytes(vocabulary));
        } catch (IOException e) {
            throw unwritable(e);
        }
    }

    private void write(ByteBuffer bytes, long at) throws IOException {
        long position = at;
        while (bytes.hasRemaining()) {
            position += channel.write(bytes, position);
        }
    }

    /**
     * Puts the whole file in its place.
     *
     * @return divergence of the stored distributions from the model's, in nats: the error of the file itself
     */
    public Estimate finish() {
        try {
            channel.close();
            Files.move(beside, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw unwritable(e);
        }
        return Estimate.mean(divergence);
    }

    /** Size of the file. */
    public long bytes() {
        return rows + divergence.length * LogitFile.rowBytes(vocabulary);
    }

    private ResourceException unwritable(IOException cause) {
        return new ResourceException(
                "HT-622", path.toString(), "the logits cannot be written: " + cause, "check the path and the disk");
    }

    /** Leaves nothing behind where {@link #finish} was not called. */
    @Override
    public void close() {
        try {
            channel.close();
            Files.deleteIfExists(beside);
        } catch (IOException e) {
            throw unwritable(e);
        }
    }
}
