package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Small vocabularies made here. */
class GgufTokenizerTest {
    /** Byte-level characters for a few bytes; U+0120 is the space, U+010A the line end. */
    static Map<String, Object> byteLevel(String pre) {
        List<String> tokens = new ArrayList<>(List.of("<s>", "</s>", "<tool>", "\u0120", "\u010A"));
        for (char c = '!'; c <= '~'; c++) {
            tokens.add(String.valueOf(c));
        }
        tokens.addAll(List.of("ab", "\u0120ab", "12"));
        int[] types = new int[tokens.size()];
        Arrays.fill(types, 1);
        types[0] = 3;
        types[1] = 3;
        types[2] = 4;
        Map<String, Object> metadata = new HashMap<>();
        metadata.put("tokenizer.ggml.model", "gpt2");
        metadata.put("tokenizer.ggml.pre", pre);
        metadata.put("tokenizer.ggml.tokens", tokens);
        metadata.put("tokenizer.ggml.token_type", types);
        metadata.put("tokenizer.ggml.merges", new String[] {"a b", "\u0120 ab", "1 2"});
        metadata.put("tokenizer.ggml.bos_token_id", 0L);
        metadata.put("tokenizer.ggml.eos_token_id", 1);
        return metadata;
    }

    static Map<String, Object> sentencePiece() {
        List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
        List<Integer> types = new ArrayList<>(List.of(2, 3, 3));
        for (int value = 0; value < 256; value++) {
            tokens.add("<0x%02X>".formatted(value));
            types.add(6);
        }
        for (String piece : List.of("\u2581a", "ab", "\u2581ab", "\u2581", "a", "b", "\u00E9")) {
            tokens.add(piece);
            types.add(1);
        }
        float[] scores = new float[tokens.size()];
        for (int i = 259; i < scores.length; i++) {
            scores[i] = 259 - i;
        }
        Map<String, Object> metadata = new HashMap<>();
        metadata.put("tokenizer.ggml.model", "llama");
        metadata.put("tokenizer.ggml.tokens", tokens);
        metadata.put("tokenizer.ggml.token_type", types);
        metadata.put("tokenizer.ggml.scores", scores);
        return metadata;
    }

    private static TextTokenizer open(Map<String, Object> metadata) {
        return TextTokenizer.fromGguf(metadata, "test.gguf");
    }

    private static List<String> pieces(TextTokenizer tokenizer, String text) {
        return Arrays.stream(tokenizer.encode(text))
                .mapToObj(id -> tokenizer.decode(new int[] {id}))
                .toList();
    }

    @ParameterizedTest
    @MethodSource("dev.halftone.text.PreTokenizer#names")
    void theEngineAcceptsEveryPreTokenizerOfTheTable(String name) {
        try (TextTokenizer tokenizer = open(byteLevel(name))) {
            String text = "  ab ab's  12 123\n\n1234!? (ab)";
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            assertThat(tokenizer.description()).isEqualTo("byte-level BPE (%s), 102 tokens".formatted(name));
        }
    }

    @Test
    void smollmCutsDigitsApartAndGpt2DoesNot() {
        try (TextTokenizer smollm = open(byteLevel("smollm"));
                TextTokenizer gpt2 = open(byteLevel("gpt-2"))) {
            assertThat(pieces(smollm, "ab 12")).containsExactly("ab", " ", "1", "2");
            assertThat(pieces(gpt2, "ab12")).containsExactly("ab", "12");
        }
    }

    @Test
    void controlAndUserDefinedTokensAreTakenWholeOutOfAText() {
        try (TextTokenizer tokenizer = open(byteLevel("gpt-2"))) {
            assertThat(pieces(tokenizer, "ab<tool>ab</s>")).containsExactly("ab", "<tool>", "ab", "</s>");
            assertThat(tokenizer.encode("<s>")).containsExactly(0);
        }
    }

    @Test
    void aFileWithoutPreTokenizerGetsTheDefaultAndSaysSo() {
        Map<String, Object> metadata = byteLevel("");
        metadata.remove("tokenizer.ggml.pre");
        try (TextTokenizer tokenizer = open(metadata)) {
            assertThat(tokenizer.description()).startsWith("byte-level BPE (default, the file names none)");
        }
    }

    @Test
    void bosIsAddedAsTheFileSaysOrElseAsTheKindOfTokenizerDoes() {
        Map<String, Object> said = byteLevel("gpt-2");
        said.put("tokenizer.ggml.add_bos_token", true);
        try (TextTokenizer gpt2 = open(byteLevel("gpt-2"));
                TextTokenizer llama3 = open(byteLevel("llama-bpe"));
                TextTokenizer file = open(said);
                TextTokenizer pieces = open(sentencePiece())) {
            assertThat(gpt2.addsBos()).isFalse();
            assertThat(llama3.addsBos()).isTrue();
            assertThat(file.addsBos()).isTrue();
            assertThat(file.encode("ab")).hasSize(1);
            assertThat(file.toJson()).contains("TemplateProcessing");
            assertThat(pieces.addsBos()).isTrue();
            assertThat(pieces.bosId()).isEqualTo(1);
            assertThat(pieces.eosId()).isEqualTo(2);
        }
    }

    @Test
    void sentencePieceMergesByScoreAndFallsBackToBytes() {
        try (TextTokenizer tokenizer = open(sentencePiece())) {
            assertThat(tokenizer.encode("ab")).containsExactly(261); // from "_a" and "b": "_a" has the highest score
            assertThat(tokenizer.encode("bab")).containsExactly(262, 264, 260);
            assertThat(tokenizer.encode("\u00E9")).containsExactly(262, 265);
            assertThat(tokenizer.encode("\u20AC")).containsExactly(262, 3 + 0xE2, 3 + 0x82, 3 + 0xAC);
            for (String text : List.of("ab a b", " ab", "b\u20AC\u00E9\n", "")) {
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            }
        }
    }

    @Test
    void theSpaceInFrontIsLeftOutWhereTheFileSaysSo() {
        Map<String, Object> metadata = sentencePiece();
        metadata.put("tokenizer.ggml.add_space_prefix", false);
        try (TextTokenizer tokenizer = open(metadata)) {
            assertThat(tokenizer.encode("ab")).containsExactly(260);
            assertThat(tokenizer.decode(tokenizer.encode(" ab"))).isEqualTo(" ab");
        }
    }

    @Test
    void chatTokensOfPhi3SwallowTheWhiteSpaceBehindThem() {
        Map<String, Object> metadata = sentencePiece();
        try (TextTokenizer other = open(metadata)) {
            assertThat(other.encode("</s> \nab")).hasSize(5);
        }
        metadata.put("general.name", "Phi-3-mini");
        try (TextTokenizer phi3 = open(metadata)) {
            assertThat(phi3.encode("</s> \nab")).containsExactly(2, 261);
        }
    }

    @Test
    void wordPieceLowersCaseAndCutsWordsFromTheLeft() {
        Map<String, Object> metadata = new HashMap<>();
        metadata.put("tokenizer.ggml.model", "bert");
        metadata.put(
                "tokenizer.ggml.tokens", List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "\u2581un", "able", "\u2581!"));
        metadata.put("tokenizer.ggml.token_type", new int[] {3, 3, 3, 3, 1, 1, 1});
        metadata.put("tokenizer.ggml.cls_token_id", 2);
        metadata.put("tokenizer.ggml.seperator_token_id", 3);
        metadata.put("tokenizer.ggml.unknown_token_id", 1);
        try (TextTokenizer tokenizer = open(metadata)) {
            assertThat(tokenizer.encode("\u00DAnable! x")).containsExactly(4, 5, 6, 1);
            assertThat(tokenizer.bosId()).isEqualTo(2);
            assertThat(tokenizer.addsBos()).isTrue();
        }
    }

    @Test
    void theSameMetadataGivesTheSameBytes() {
        try (TextTokenizer one = open(byteLevel("llama-bpe"));
                TextTokenizer two = open(byteLevel("llama-bpe"))) {
            assertThat(one.toJson()).isEqualTo(two.toJson());
            assertThat(one.configJson()).isEqualTo(two.configJson());
        }
    }

    private static void assertRefused(Map<String, Object> metadata, String... parts) {
        assertThatThrownBy(() -> open(metadata)).hasMessageContainingAll(parts);
    }

    @Test
    void unknownKindsAndNamesAreRefusedWithTheKnownOnes() {
        Map<String, Object> rwkv = byteLevel("gpt-2");
        rwkv.put("tokenizer.ggml.model", "rwkv");
        assertRefused(rwkv, "HT-253 test.gguf", "\"rwkv\"", "gpt2, llama, gemma4, bert");
        assertRefused(byteLevel("kimi-k2"), "HT-254", "\"kimi-k2\"", "llama-bpe", "smollm");
        assertRefused(Map.of(), "HT-253", "is missing");
    }

    @Test
    void incompleteOrContradictoryVocabulariesAreRefused() {
        Map<String, Object> noTokens = byteLevel("gpt-2");
        noTokens.remove("tokenizer.ggml.tokens");
        assertRefused(noTokens, "HT-255", "tokenizer.ggml.tokens is missing");

        Map<String, Object> wrongType = byteLevel("gpt-2");
        wrongType.put("tokenizer.ggml.add_bos_token", "yes");
        assertRefused(wrongType, "HT-255", "add_bos_token holds String; expected a boolean");

        Map<String, Object> shortTypes = byteLevel("gpt-2");
        shortTypes.put("tokenizer.ggml.token_type", new int[] {1, 1});
        assertRefused(shortTypes, "HT-256", "token_type has 2 entries for 102 tokens");

        Map<String, Object> badId = byteLevel("gpt-2");
        badId.put("tokenizer.ggml.bos_token_id", 4_000);
        assertRefused(badId, "HT-256", "bos_token_id is 4000, but the vocabulary has 102 tokens");

        Map<String, Object> twice = byteLevel("gpt-2");
        List<String> tokens = new ArrayList<>();
        for (int i = 0; i < 102; i++) {
            tokens.add("a");
        }
        twice.put("tokenizer.ggml.tokens", tokens);
        assertRefused(twice, "HT-257", "\"a\" twice, as 0 and 1");

        Map<String, Object> badMerge = byteLevel("gpt-2");
        badMerge.put("tokenizer.ggml.merges", List.of("a b", "a c"));
        assertRefused(badMerge, "HT-258", "merges[1] is \"a c\"");
    }
}
