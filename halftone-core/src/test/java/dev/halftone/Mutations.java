package dev.halftone;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Damage for files: by bytes, and by values of a JSON document that stays one. */
public final class Mutations {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final List<String> VALUES = List.of(
            "null",
            "true",
            "false",
            "-1",
            "0",
            "1",
            "7",
            "2147483647",
            "4294967295",
            "4294967296",
            "9223372036854775807",
            "-9223372036854775808",
            "1e400",
            "0.5",
            "1e-30",
            "\"\"",
            "\" \"",
            "\"\\u0000\"",
            "\"a\"",
            "\"##\"",
            "\"\u00E9\"",
            "\"\u2581\"",
            "\"\uD83D\uDE00\"",
            "\"(a*)*b\"",
            "\"[\"",
            "\"\\\\p{L}+\"",
            "\"(?=a)\"",
            "[]",
            "{}",
            "[[]]",
            "[0]",
            "[\"a\"]",
            "{\"a\": 0}");

    private Mutations() {}

    /** One to three values of the document removed, replaced, swapped for copies of others, repeated, or renamed. */
    public static String json(String seed, RandomGenerator random) {
        JsonNode root = JSON.readTree(seed);
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            List<JsonNode> containers = new ArrayList<>();
            collect(root, containers);
            if (containers.isEmpty()) {
                break;
            }
            JsonNode chosen = containers.get(random.nextInt(containers.size()));
            JsonNode value = random.nextInt(3) == 0
                    ? containers.get(random.nextInt(containers.size())).deepCopy()
                    : JSON.readTree(VALUES.get(random.nextInt(VALUES.size())));
            change(chosen, value, random);
        }
        return root.toString();
    }

    private static void change(JsonNode chosen, JsonNode value, RandomGenerator random) {
        int at = random.nextInt(chosen.size());
        int kind = random.nextInt(4);
        if (chosen instanceof ObjectNode object) {
            String name = List.copyOf(object.propertyNames()).get(at);
            switch (kind) {
                case 0 -> object.remove(name);
                case 1 -> object.set(random.nextBoolean() ? name + "\u00E9" : "", object.remove(name));
                default -> object.set(name, value);
            }
        } else if (chosen instanceof ArrayNode array) {
            switch (kind) {
                case 0 -> array.remove(at);
                case 1 -> array.insert(at, array.get(at).deepCopy());
                default -> array.set(at, value);
            }
        }
    }

    private static void collect(JsonNode node, List<JsonNode> containers) {
        if (node.isContainer() && !node.isEmpty()) {
            containers.add(node);
            node.forEach(child -> collect(child, containers));
        }
    }

    /** One to three changes: bits, bytes, cuts, insertions, replacements. */
    public static byte[] bytes(byte[] seed, RandomGenerator random) {
        byte[] bytes = seed.clone();
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes && bytes.length > 0; i++) {
            // Headers come first, and most of what can go wrong is in them.
            int at = random.nextInt(random.nextBoolean() ? bytes.length : Math.min(bytes.length, 400));
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> bytes = Arrays.copyOf(bytes, at);
                case 3 -> bytes = splice(bytes, at, random, 0);
                case 4 -> bytes = splice(bytes, at, random, Math.min(1 + random.nextInt(16), bytes.length - at));
                default ->
                    Arrays.fill(bytes, at, Math.min(bytes.length, at + 1 + random.nextInt(8)), (byte)
                            (random.nextBoolean() ? -1 : 0x7F));
            }
        }
        return bytes;
    }

    /** Replaces some bytes by others, random or copied from elsewhere in the file. */
    private static byte[] splice(byte[] bytes, int at, RandomGenerator random, int removed) {
        byte[] inserted = new byte[random.nextInt(16)];
        if (random.nextBoolean()) {
            random.nextBytes(inserted);
        } else {
            int from = random.nextInt(bytes.length);
            System.arraycopy(bytes, from, inserted, 0, Math.min(inserted.length, bytes.length - from));
        }
        byte[] result = new byte[bytes.length - removed + inserted.length];
        System.arraycopy(bytes, 0, result, 0, at);
        System.arraycopy(inserted, 0, result, at, inserted.length);
        System.arraycopy(bytes, at + removed, result, at + inserted.length, bytes.length - at - removed);
        return result;
    }
}
