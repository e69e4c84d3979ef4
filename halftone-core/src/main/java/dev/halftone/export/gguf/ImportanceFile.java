package dev.halftone.export.gguf;

import dev.halftone.checkpoint.GgufFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Importance of each input of each weight, as llama-imatrix writes it: the mean square of what the input was given. Source: llama.cpp,
 * tools/imatrix.
 *
 * @param file that it was read from
 * @param columns by the weight's GGUF name
 */
public record ImportanceFile(Path file, Map<String, float[]> columns) {
    private static final String SUMS = ".in_sum2";
    private static final String COUNTS = ".counts";
    private static final long LARGEST = 1L << 30;

    /**
     * Reads a file in either of its two forms.
     *
     * @throws InputException HT-683
     */
    public static ImportanceFile read(Path file) {
        try {
            byte[] head = new byte[4];
            try (var in = Files.newInputStream(file)) {
                in.readNBytes(head, 0, head.length);
            }
            Map<String, float[]> columns =
                    new String(head, StandardCharsets.US_ASCII).equals("GGUF") ? gguf(file) : legacy(file);
            columns.forEach((name, values) -> check(file, name, values));
            return new ImportanceFile(file, columns);
        } catch (IOException | BufferUnderflowException | IllegalArgumentException e) {
            throw error(file, "cannot be read: " + e);
        }
    }

    /** The importance of a weight's inputs; null if the file has none for it. */
    public float @Nullable [] of(String name, int inputs) {
        float[] values = columns.get(name);
        if (values != null && values.length != inputs) {
            throw error(file, "%s has %d inputs; the weight has %d".formatted(name, values.length, inputs));
        }
        return values;
    }

    private static void check(Path file, String name, float[] values) {
        for (float value : values) {
            if (!(value >= 0 && value < Float.POSITIVE_INFINITY)) {
                throw error(file, name + " has an importance of " + value);
            }
        }
    }

    private static InputException error(Path file, String finding) {
        return new InputException(
                "HT-683", file.toString(), finding, "name a file that llama-imatrix made of this model");
    }

    private static Map<String, float[]> gguf(Path path) {
        Map<String, float[]> columns = new LinkedHashMap<>();
        try (GgufFile file = GgufFile.open(path)) {
            for (String name : file.names()) {
                if (!name.endsWith(SUMS)) {
                    continue;
                }
                String weight = name.substring(0, name.length() - SUMS.length());
                float[] sums = values(file.tensor(name));
                float[] counts = values(file.tensor(weight + COUNTS));
                if (counts.length != 1) {
                    throw error(path, weight + " has several matrices; dense models have one");
                }
                columns.put(weight, divided(sums, counts[0]));
            }
        }
        return columns;
    }

    /** A weight that was never used counts all inputs alike. */
    private static float[] divided(float[] sums, float count) {
        for (int i = 0; i < sums.length; i++) {
            sums[i] = count > 0 ? sums[i] / count : 1;
        }
        return sums;
    }

    private static float[] values(StoredTensor tensor) {
        float[] values = new float[Math.toIntExact(tensor.elements())];
        MemorySegment decoded = MemorySegment.ofArray(values);
        tensor.decode(0, tensor.rows(), decoded);
        return values;
    }

    /** i32 count; per entry i32 length, name, i32 calls, i32 count, f32 sums; behind them the name of the text. */
    private static Map<String, float[]> legacy(Path path) throws IOException {
        if (Files.size(path) > LARGEST) {
            throw error(path, "is over %d bytes long".formatted(LARGEST));
        }
        ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        Map<String, float[]> columns = new LinkedHashMap<>();
        int entries = in.getInt();
        for (int i = 0; i < entries; i++) {
            byte[] name = new byte[checked(in, in.getInt(), 1)];
            in.get(name);
            int calls = in.getInt();
            float[] sums = new float[checked(in, in.getInt(), Float.BYTES)];
            in.asFloatBuffer().get(sums);
            in.position(in.position() + sums.length * Float.BYTES);
            columns.put(new String(name, StandardCharsets.UTF_8), divided(sums, calls));
        }
        return columns;
    }

    private static int checked(ByteBuffer in, int count, int size) {
        if (count < 0 || count > in.remaining() / size) {
            throw new BufferUnderflowException();
        }
        return count;
    }
}
