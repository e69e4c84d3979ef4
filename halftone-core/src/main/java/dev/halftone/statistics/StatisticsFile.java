package dev.halftone.statistics;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.SafetensorsWriter;
import dev.halftone.checkpoint.SafetensorsWriter.Declaration;
import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.Accumulator.Totals;
import dev.halftone.statistics.ModelStatistics.Source;
import dev.halftone.statistics.OutlierChannels.Counts;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Statistics on disk: a safetensors file of raw accumulators, so that files of one model can be added up. Little-endian.
 *
 * <p>Metadata: {@code halftone_statistics} (version, 1), {@code model} and {@code sets} (SHA-256), {@code sequences}, {@code tokens},
 * {@code limits} ("top sample"), {@code sites}: a line "block,channels,name,kind" each.
 *
 * <p>Tensors of site number S, part P (first or rest), {@code S.P.}: {@code counts} I64 (n, tokens, not finite, tokens with
 * kurtosis, sample level), {@code sums} F64 (mean, M2, M3, M4, sum |x|, sum x^2, sum of token kurtosis), {@code channels} F64 (5,
 * channels: min, max, sum x, sum |x|, sum x^2), {@code histogram} and {@code token_histogram} I64 (zeros, positive bins, negative
 * bins), {@code top} F64 (k, 5: value, sequence, position, channel, token), {@code sample_keys} I64, {@code sample_values} F32. Of
 * site S: {@code S.positions} F64 (3, positions: max |x|, sum of mean |x|, tokens). Of block B: {@code block.B.massive},
 * {@code block.B.sinks} F64. Of the model: {@code outliers.P.tokens}, {@code .hits} (blocks, channels), {@code .union} I64, P all or
 * rest.
 */
public final class StatisticsFile {
    static final int VERSION = 1;
    static final String VERSION_KEY = "halftone_statistics";

    private StatisticsFile() {}

    /** Arrays by tensor name, as they are written. */
    private static final class Parts {
        private final Map<String, MemorySegment> bytes = new TreeMap<>();
        private final List<Declaration> declarations = new ArrayList<>();

        void put(String name, double[] values) {
            put(name, SafetensorsDtype.F64, values.length, MemorySegment.ofArray(values));
        }

        void put(String name, long[] values) {
            put(name, SafetensorsDtype.I64, values.length, MemorySegment.ofArray(values));
        }

        void put(String name, float[] values) {
            put(name, SafetensorsDtype.F32, values.length, MemorySegment.ofArray(values));
        }

        private void put(String name, SafetensorsDtype dtype, int length, MemorySegment values) {
            declarations.add(Declaration.of(name, dtype, length));
            bytes.put(name, values);
        }

        MemorySegment bytes(String name) {
            MemorySegment segment = bytes.get(name);
            if (segment == null) {
                throw new IllegalStateException("no bytes for " + name);
            }
            return segment;
        }
    }

    /**
     * Writes statistics; a file of that name is replaced.
     *
     * @throws ResourceException HT-643 if it cannot be written
     */
    public static void write(Path file, ModelStatistics statistics) {
        Parts parts = new Parts();
        List<SiteStatistics> sites = statistics.sites();
        for (int s = 0; s < sites.size(); s++) {
            put(parts, s + ".first.", sites.get(s).first());
            put(parts, s + ".rest.", sites.get(s).rest());
            parts.put(s + ".positions", sites.get(s).positions().toArray());
        }
        for (BlockStatistics block : statistics.blocks()) {
            parts.put("block." + block.index() + ".massive", block.massive().toArray());
            parts.put("block." + block.index() + ".sinks", block.sinks().toArray());
        }
        put(parts, "outliers.all.", statistics.outlierChannels().all());
        put(parts, "outliers.rest.", statistics.outlierChannels().rest());
        try {
            SafetensorsWriter.write(
                    file,
                    metadata(statistics),
                    parts.declarations,
                    (tensor, sink) -> sink.write(parts.bytes(tensor.name())));
        } catch (IOException e) {
            throw new ResourceException(
                    "HT-643", file.toString(), "cannot be written: " + e, "check the path and the disk");
        }
    }

    private static Map<String, String> metadata(ModelStatistics statistics) {
        Source source = statistics.source();
        Limits limits = statistics.sites().getFirst().first().limits();
        StringBuilder sites = new StringBuilder();
        for (SiteStatistics site : statistics.sites()) {
            Site s = site.site();
            sites.append("%d,%d,%s,%s\n"
                    .formatted(s.block(), s.channels(), s.name(), s.kind().label()));
        }
        return Map.of(
                VERSION_KEY,
                String.valueOf(VERSION),
                "model",
                source.model(),
                "sets",
                String.join(" ", source.sets()),
                "sequences",
                String.valueOf(source.sequences()),
                "tokens",
                String.valueOf(source.tokens()),
                "limits",
                limits.top() + " " + limits.sample(),
                "sites",
                sites.toString());
    }

    private static void put(Parts parts, String prefix, Accumulator a) {
        Totals t = a.totals();
        Moments m = t.moments();
        parts.put(prefix + "counts", new long[] {
            m.count(), t.tokens(), t.notFinite(), t.spreadTokens(), a.sample().level()
        });
        parts.put(
                prefix + "sums",
                new double[] {m.mean(), m.m2(), m.m3(), m.m4(), t.sumAbs(), t.sumSquares(), t.tokenKurtosis()});
        parts.put(prefix + "channels", a.channels().toArray());
        parts.put(prefix + "histogram", a.histogram().toArray());
        parts.put(prefix + "token_histogram", a.tokenHistogram().toArray());
        parts.put(
                prefix + "top",
                a.top().entries().stream()
                        .flatMapToDouble(e -> Arrays.stream(
                                new double[] {e.value(), e.sequence(), e.position(), e.channel(), e.token()}))
                        .toArray());
        parts.put(prefix + "sample_keys", a.sample().keys());
        parts.put(prefix + "sample_values", a.sample().values());
    }

    private static void put(Parts parts, String prefix, Counts counts) {
        parts.put(prefix + "tokens", counts.tokens());
        parts.put(
                prefix + "hits",
                Arrays.stream(counts.hits()).flatMapToLong(Arrays::stream).toArray());
        parts.put(prefix + "union", counts.union());
    }

    /**
     * Reads statistics.
     *
     * @throws InputException HT-640 if they are none, newer than this build, or damaged; HT-2xx if it is no safetensors file
     */
    public static ModelStatistics read(Path file) {
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            return new StatisticsReader(stored).read();
        }
    }
}
