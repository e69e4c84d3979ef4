package dev.halftone.format;

import dev.halftone.model.CacheRounding;
import dev.halftone.model.DecoderSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/**
 * Which keys and values are quantized, and how. They are named as sites: {@code B.attention.k} and {@code B.attention.v} of
 * block B, whether keys are stored before or after they are turned.
 *
 * @param formats by site; others stay as they are
 */
public record CacheQuantization(Map<String, CacheFormat> formats) implements CacheRounding {
    /** No cache is quantized. */
    public static final CacheQuantization NONE = new CacheQuantization(Map.of());

    private static final String KEYS = ".attention.k";
    private static final String TURNED_KEYS = ".attention.k_rope";
    private static final String VALUES = ".attention.v";

    public CacheQuantization {
        formats = Map.copyOf(formats);
    }

    /** The sites that a model has, block by block. */
    public static List<String> sites(DecoderSpec spec) {
        return IntStream.range(0, spec.layers())
                .mapToObj(spec::blockName)
                .flatMap(block -> Stream.of(block + KEYS, block + VALUES))
                .toList();
    }

    @Override
    public Tensor round(String site, Tensor x) {
        if (formats.isEmpty()) {
            return x;
        }
        if (site.endsWith(VALUES)) {
            CacheFormat format = formats.get(site);
            return format == null ? x : format.round(x);
        }
        boolean turned = site.endsWith(TURNED_KEYS);
        String key = turned ? site.substring(0, site.length() - TURNED_KEYS.length()) + KEYS : site;
        CacheFormat format = formats.get(key);
        return format == null || format.turned() != turned ? x : format.round(x);
    }

    /** Stored bits per element of all keys and values; what is not quantized counts 16. */
    public double bitsPerElement(DecoderSpec spec) {
        int headDim = spec.attention().headDim();
        return sites(spec).stream()
                .mapToDouble(
                        site -> formats.containsKey(site) ? formats.get(site).bitsPerElement(headDim) : 16)
                .average()
                .orElse(16);
    }

    /** Each format and how many sites have it, such as "12 of int4 g128 per token and head". */
    public String label() {
        Map<String, Long> counts = formats.values().stream()
                .collect(Collectors.groupingBy(CacheFormat::label, LinkedHashMap::new, Collectors.counting()));
        return counts.entrySet().stream()
                .map(entry -> entry.getValue() + " of " + entry.getKey())
                .sorted()
                .collect(Collectors.joining(", "));
    }
}
