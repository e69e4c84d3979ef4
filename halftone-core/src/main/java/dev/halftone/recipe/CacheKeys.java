package dev.halftone.recipe;

import dev.halftone.format.CacheFormat;
import dev.halftone.recipe.Recipe.CacheStep;
import dev.halftone.yaml.YamlReader;
import java.util.List;

/** The keys of a recipe's {@code cache} step. */
final class CacheKeys {
    private CacheKeys() {}

    static CacheStep read(YamlReader reader) {
        String method = reader.string("method", CacheFormat.METHOD);
        if (!method.equals(CacheFormat.METHOD)) {
            throw reader.error("method", "method is \"" + method + "\"; known is " + CacheFormat.METHOD);
        }
        if (!reader.has("bits")) {
            throw reader.error("bits", "\"bits\" is missing");
        }
        String keys = reader.string("keys", CacheFormat.AFTER_ROPE);
        if (!keys.equals(CacheFormat.AFTER_ROPE) && !keys.equals(CacheFormat.BEFORE_ROPE)) {
            throw reader.error(
                    "keys",
                    "keys is \"%s\"; known are %s, %s"
                            .formatted(keys, CacheFormat.AFTER_ROPE, CacheFormat.BEFORE_ROPE));
        }
        int bits = reader.integer("bits", 0);
        int group = reader.integer("group", CacheFormat.DEFAULT_GROUP);
        boolean symmetric = reader.flag("symmetric", false);
        return new CacheStep(
                reader.place(),
                WeightKeys.placed(
                        reader,
                        "bits",
                        () -> new CacheFormat(bits, group, symmetric, keys.equals(CacheFormat.AFTER_ROPE))),
                reader.strings("targets", List.of("*")));
    }

    /** The keys that are read as this format, as they stand in a mapping on one line. */
    static String text(CacheFormat format) {
        return "method: %s, bits: %d, group: %d, symmetric: %b, keys: %s"
                .formatted(CacheFormat.METHOD, format.bits(), format.group(), format.symmetric(), format.keys());
    }
}
