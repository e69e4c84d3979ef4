package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.Mutations;
import dev.halftone.error.InputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged tokenizer files either give a tokenizer that works, or are refused with an InputException. The engine is native
 * code, and what it does not survive ends the whole JVM; then the mutant is in the file that {@code halftone.fuzz.last} names.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TokenizerFuzzTest {
    private static final int MUTANTS = Integer.getInteger("halftone.fuzz.mutants", 2000);
    private static final long SEED = Long.getLong("halftone.fuzz.seed", 1);
    private static final Path LAST = Path.of(System.getProperty(
            "halftone.fuzz.last",
            Path.of(System.getProperty("java.io.tmpdir"), "halftone-fuzz-last.txt")
                    .toString()));
    private static final List<String> FILES =
            List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json");
    private static final String PROBE = "a b  ab\n\n\u00E9\u2581 <s> \uD83D\uDE00 1234 \u4E2D\u6587 caf\u00E9's \t?";

    @TempDir
    private Path directory = Path.of("");

    @Test
    void mutants_of_a_directory_are_used_or_refused() throws Exception {
        RandomGenerator random = random();
        List<String> seeds = TokenizerSeeds.documents();
        List<String> beside = List.of(
                "{\"bos_token\": {\"content\": \"<s>\"}, \"eos_token\": \"b\", \"add_bos_token\": true}",
                "{\"bos_token\": \"<s>\", \"unk_token\": \"?\"}");
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            List<String> texts = new ArrayList<>(List.of(seeds.get(i % seeds.size())));
            texts.addAll(beside);
            int damaged = random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0;
            String text = texts.get(damaged);
            byte[] mutant = random.nextInt(4) == 0
                    ? Mutations.bytes(text.getBytes(StandardCharsets.UTF_8), random)
                    : Mutations.json(text, random).getBytes(StandardCharsets.UTF_8);
            for (int file = 0; file < FILES.size(); file++) {
                Files.write(
                        directory.resolve(FILES.get(file)),
                        file == damaged ? mutant : texts.get(file).getBytes(StandardCharsets.UTF_8));
            }
            Files.write(LAST, mutant);
            refused += use(i, () -> TextTokenizer.fromDirectory(directory));
        }
        assertThat(refused).as("mutants refused").isBetween(MUTANTS / 4, MUTANTS - MUTANTS / 20);
    }

    @Test
    void mutants_of_a_gguf_vocabulary_are_used_or_refused() throws Exception {
        RandomGenerator random = random();
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            Map<String, Object> metadata = new HashMap<>(
                    i % 2 == 0 ? GgufTokenizerTest.byteLevel("smollm") : GgufTokenizerTest.sentencePiece());
            List<String> keys = metadata.keySet().stream().sorted().toList();
            String key = keys.get(random.nextInt(keys.size()));
            metadata.put(key, damaged(value(metadata, key), metadata, keys, random));
            if (random.nextInt(8) == 0) {
                metadata.remove(key);
            }
            Files.writeString(LAST, key + "=" + metadata.get(key));
            refused += use(i, () -> TextTokenizer.fromGguf(metadata, "mutant.gguf"));
        }
        assertThat(refused).as("mutants refused").isBetween(MUTANTS / 8, MUTANTS - MUTANTS / 20);
    }

    private static Object damaged(
            Object value, Map<String, Object> metadata, List<String> keys, RandomGenerator random) {
        Object[] scalars = {
            -1L, 0, 1, 7L, 0xFFFF_FFFFL, Long.MAX_VALUE, Float.NaN, "", "a", "\0", "bert", "gemma4", "llama"
        };
        Object scalar = scalars[random.nextInt(scalars.length)];
        List<Object> items = switch (value) {
            case List<?> list -> new ArrayList<>(list);
            case String[] array -> new ArrayList<>(Arrays.asList(array));
            case int[] array -> new ArrayList<>(Arrays.stream(array).boxed().toList());
            case float[] array -> {
                List<Object> boxed = new ArrayList<>();
                for (float item : array) {
                    boxed.add(item);
                }
                yield boxed;
            }
            default -> List.of();
        };
        if (items.isEmpty() || random.nextInt(8) == 0) {
            return random.nextBoolean() ? scalar : value(metadata, keys.get(random.nextInt(keys.size())));
        }
        int at = random.nextInt(items.size());
        switch (random.nextInt(4)) {
            case 0 -> items.remove(at);
            case 1 -> items.add(at, items.get(random.nextInt(items.size())));
            case 2 -> items.set(at, items.get(random.nextInt(items.size())));
            default -> items.set(at, random.nextInt(4) == 0 ? scalar : sameKind(items.get(at), random));
        }
        return items;
    }

    private static Object value(Map<String, Object> metadata, String key) {
        return Objects.requireNonNull(metadata.get(key));
    }

    private static Object sameKind(Object item, RandomGenerator random) {
        if (item instanceof String string) {
            return List.of("", " ", string + "b", "\u0120", "<s>", string + string)
                    .get(random.nextInt(6));
        }
        return List.<Object>of(-1, 0, 2, 3, 4, 6, Float.NaN, Float.NEGATIVE_INFINITY, 1e30f)
                .get(random.nextInt(9));
    }

    private static RandomGenerator random() {
        return RandomGeneratorFactory.of("L64X128MixRandom").create(SEED);
    }

    @FunctionalInterface
    private interface Opening {
        TextTokenizer open();
    }

    /** 1 if the mutant is refused, when opened or by a text that it has no token for; 0 if it works. */
    private static int use(int index, Opening opening) throws Exception {
        try (TextTokenizer tokenizer = opening.open()) {
            int size = tokenizer.vocabularySize();
            assertThat(tokenizer.bosId()).isBetween(-1, size - 1);
            assertThat(tokenizer.eosId()).isBetween(-1, size - 1);
            assertThat(tokenizer.addsBos() && tokenizer.bosId() < 0).isFalse();
            assertThat(tokenizer.specialIds()).allMatch(id -> id >= 0 && id < size);
            assertThat(tokenizer.configJson()).startsWith("{");
            for (String text : List.of(PROBE, "a b", "", " ", PROBE.repeat(20))) {
                int[] ids = tokenizer.encode(text);
                assertThat(Arrays.stream(ids).boxed()).allMatch(id -> id >= 0 && id < size);
                assertThat(tokenizer.encode(text)).isEqualTo(ids);
                assertThat(tokenizer.decode(ids)).isNotNull();
            }
            return 0;
        } catch (InputException e) {
            assertThat(e.getMessage()).matches("HT-2[56]\\d [^\\n]*");
            return 1;
        } catch (RuntimeException | Error e) {
            Path kept = Files.copy(
                    LAST, Files.createTempFile("halftone-mutant", ".txt"), StandardCopyOption.REPLACE_EXISTING);
            throw new AssertionError("mutant %d of seed %d, kept in %s".formatted(index, SEED, kept), e);
        }
    }
}
