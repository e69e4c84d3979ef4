package dev.halftone.format;

import dev.halftone.error.InputException;
import dev.halftone.hub.HubCache;
import dev.halftone.hub.Zoo;
import dev.halftone.model.OutlierInjection;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a user writes for MODEL: a path, a name in the hub cache or {@code zoo:NAME}, and perhaps what is done to it on the way in.
 *
 * @param base without the transform
 */
record ModelName(String base, @Nullable OutlierInjection injection) {
    private static final Pattern TRANSFORMED =
            Pattern.compile("(?s)(?<base>.+)\\+(?<name>[a-z]+)(?:\\((?<keys>[^()]*)\\))?");

    /** A path that exists is taken as it is, whatever is in its name. */
    static ModelName parse(String text) {
        Matcher matcher = TRANSFORMED.matcher(text);
        if (!matcher.matches() || exists(text)) {
            return new ModelName(text, null);
        }
        String name = String.valueOf(matcher.group("name"));
        if (!name.equals("outliers")) {
            if (matcher.group("keys") == null) {
                return new ModelName(text, null);
            }
            throw new InputException(
                    "HT-310",
                    text,
                    "unknown transform \"" + name + "\"; known is outliers(g=40,channels=6,seed=1)",
                    "");
        }
        String keys = matcher.group("keys");
        return new ModelName(
                String.valueOf(matcher.group("base")), OutlierInjection.parse(keys == null ? "" : keys, text));
    }

    private static boolean exists(String text) {
        try {
            return Files.exists(Path.of(text));
        } catch (InvalidPathException _) {
            return false;
        }
    }

    /** The directory or file; if there is none, the path that was asked for. */
    Path locate() {
        if (base.startsWith(Zoo.PREFIX) && !exists(base)) {
            return Zoo.locate(base.substring(Zoo.PREFIX.length()));
        }
        try {
            return HubCache.locate(Path.of(base));
        } catch (InvalidPathException e) {
            throw new InputException("HT-231", base, "is no path: " + e.getReason(), "check the path");
        }
    }
}
