package dev.halftone.format;

import dev.halftone.error.InputException;
import dev.halftone.model.DecoderSpec;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How config.json says that keys and values are quantized: in {@code quantization_config}, {@code "cache": [{"method": "int-token",
 * "bits": 4, "group": 128, "symmetric": false, "keys": "after-rope", "sites": ["model.layers.0.attention.k", ...]}]}, which needs
 * format version 5. A cache is made while a model runs: no tensor belongs to it.
 */
public final class PackedCache {
    /** The format version that has caches. */
    static final int VERSION = 5;

    static final String KEY = "cache";

    private PackedCache() {}

    /** Adds the cache to a config's quantization section. */
    public static void describe(ObjectNode config, CacheQuantization cache) {
        if (cache.formats().isEmpty()) {
            return;
        }
        ObjectNode section = (ObjectNode) config.get(PackedLayout.KEY);
        PackedLayout.atLeast(section, VERSION);
        Map<CacheFormat, ArrayNode> lists = new LinkedHashMap<>();
        ArrayNode entries = section.putArray(KEY);
        new TreeMap<>(cache.formats())
                .forEach((site, format) -> lists.computeIfAbsent(format, f -> {
                            ObjectNode entry = entries.addObject();
                            entry.put("method", CacheFormat.METHOD);
                            entry.put("bits", f.bits());
                            entry.put("group", f.group());
                            entry.put("symmetric", f.symmetric());
                            entry.put("keys", f.keys());
                            return entry.putArray("sites");
                        })
                        .add(site));
    }

    /**
     * What a packed config says.
     *
     * @throws InputException HT-311, HT-312
     */
    static CacheQuantization read(ObjectNode config, DecoderSpec spec, String place) {
        Set<String> known = new HashSet<>(CacheQuantization.sites(spec));
        int headDim = spec.attention().headDim();
        Map<String, CacheFormat> formats = new TreeMap<>();
        for (JsonNode entry : config.path(PackedLayout.KEY).path(KEY)) {
            String method = entry.path("method").asString("");
            String keys = entry.path("keys").asString("");
            if (!method.equals(CacheFormat.METHOD)
                    || !List.of(CacheFormat.AFTER_ROPE, CacheFormat.BEFORE_ROPE).contains(keys)) {
                throw error(place, "a cache of method \"%s\" with keys \"%s\"".formatted(method, keys));
            }
            CacheFormat format = new CacheFormat(
                    entry.path("bits").asInt(0),
                    entry.path("group").asInt(0),
                    entry.path("symmetric").asBoolean(false),
                    keys.equals(CacheFormat.AFTER_ROPE));
            if (!format.divides(headDim)) {
                throw error(place, "groups of %d do not divide heads of %d".formatted(format.group(), headDim));
            }
            for (JsonNode node : entry.path("sites")) {
                String site = node.asString("");
                if (!known.contains(site)) {
                    throw error(place, "the cache of \"" + site + "\" is quantized, and the model has no such site");
                }
                formats.put(site, format);
            }
        }
        return new CacheQuantization(formats);
    }

    private static InputException error(String place, String finding) {
        return new InputException("HT-312", place, finding, "quantize the model again, or use a newer Halftone");
    }
}
