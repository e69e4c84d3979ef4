package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.halftone.checkpoint.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The vocabulary of SmolLM2-135M-Instruct and three English texts, in the directory that {@code halftone.shared} names. */
class RealVocabularyTest {
    private static final Path REAL = Path.of(System.getProperty("halftone.shared", "absent"), "real-models");
    private static final Path MODEL = REAL.resolve("SmolLM2-135M-Instruct.Q4_1.gguf");

    /** {@code sha256} of the ids as little-endian int32. llama.cpp and transformers agree on these ids. */
    record Golden(String text, int count, String sha256, List<Integer> first) {}

    static List<Golden> golden() {
        return List.of(
                new Golden(
                        "sotu-calibration.txt",
                        242102,
                        "a62a332455c0b514293bc15c5e3c7db8f02ba47ac632dab84c307bb96f158f5e",
                        ids(
                                "14086 30 4267 28 4994 30 32436 28 16647 282 260 5061 42 669 216 40 34 84 5061 7975 347 14553 253 3856 347 750 5061 281 260 1463 282 653 5261 30 378 3643 346 1188 523 325 12635 411 260 2444 905 30 1216 3643 523 2621")),
                new Golden(
                        "sotu-test.txt",
                        53156,
                        "f83cb02dff43bd5f36428016680d6c80924c173d0af5a669f90d7a744b2aff29",
                        ids(
                                "14086 30 4267 28 4994 30 32436 28 44464 284 21912 281 5061 42 339 1690 1092 346 418 260 6021 282 260 10587 24908 282 260 216 39 35 84 5061 28 441 288 919 8649 327 1767 355 5861 3723 282 7592 43 339 1690 28 2161 28")),
                new Golden(
                        "moby-test.txt",
                        57284,
                        "c0255241f75a751f16240199cbcb9a0530c2ae0e7f8b7c543ce7661d6a22b37b",
                        ids(
                                "5229 41958 216 34 33 30 25273 2485 11868 30 198 198 1589 436 3920 2976 263 23 17466 28 564 805 13917 20305 4662 105 16804 28 645 392 13791 304 405 260 356 42166 30 198 198 18 2122 359 634 22088 4108 5976 665 28 585 339")));
    }

    private static List<Integer> ids(String ids) {
        return Arrays.stream(ids.split(" ")).map(Integer::valueOf).toList();
    }

    private static final List<String> ZOO = List.of(
            "",
            " ",
            "  \t\n\r\n\u00A0\u2003\u3000\u0085",
            "a\0b",
            "\u00E9 and e\u0301, \uAC00 and \u1100\u1161, \uFB01",
            "\uD83D\uDE80 \uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67 \uD83C\uDDE9\uD83C\uDDEA",
            "\u0663\u0664\u0665 1234567 \u2167 \u00BD x\u00B2 \uD835\uDFD8",
            "\u6211\u60F3 \u0E01\u0E33 \u05E9\u05DC\u05D5\u05DD \u0627\u0644\u0639 \u0928\u092E\u0938\u094D\u0924\u0947",
            "I'm we'LL they'Ve don't 'tis ''''",
            "\uFEFFmark \uFFFD \u200B\u00AD \uDBFF\uDFFF \uE000",
            "<|im_start|>user\nhi<|im_end|><repo_name><|im_star",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");

    private static TextTokenizer tokenizer() {
        assumeTrue(Files.isRegularFile(MODEL), "no " + MODEL + ": set halftone.shared");
        try (GgufFile file = GgufFile.open(MODEL)) {
            return TextTokenizer.fromGguf(file.metadata(), MODEL.toString());
        }
    }

    @ParameterizedTest
    @MethodSource("golden")
    void textsGiveTheIdsOfLlamaCppAndTransformers(Golden golden) throws IOException {
        try (TextTokenizer tokenizer = tokenizer()) {
            String text = TextFiles.read(REAL.resolve("text").resolve(golden.text()));
            long start = System.nanoTime();
            int[] ids = tokenizer.encode(text);
            double seconds = (System.nanoTime() - start) * 1e-9;
            assertThat(Arrays.stream(ids).boxed().limit(50).toList()).isEqualTo(golden.first());
            assertThat(ids).hasSize(golden.count());
            assertThat(sha256(ids)).isEqualTo(golden.sha256());
            assertThat(tokenizer.decode(ids)).isEqualTo(text);
            assertThat(seconds)
                    .as("seconds for %d characters", text.length())
                    .isLessThan(30); // one or two; other work may share the machine
        }
    }

    @Test
    void everyTextOfTheZooComesBackUnchanged() {
        try (TextTokenizer tokenizer = tokenizer()) {
            for (String text : ZOO) {
                assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            }
        }
    }

    @Test
    void theWrittenFilesGiveTheSameTokenizer(@TempDir Path directory) throws IOException {
        try (TextTokenizer tokenizer = tokenizer()) {
            Files.writeString(directory.resolve("tokenizer.json"), tokenizer.toJson());
            Files.writeString(directory.resolve("tokenizer_config.json"), tokenizer.configJson());
            try (TextTokenizer again = TextTokenizer.fromDirectory(directory)) {
                for (String text : ZOO) {
                    assertThat(again.encode(text)).isEqualTo(tokenizer.encode(text));
                }
                assertThat(again.bosId()).isEqualTo(tokenizer.bosId());
                assertThat(again.eosId()).isEqualTo(tokenizer.eosId());
                assertThat(again.addsBos()).isEqualTo(tokenizer.addsBos());
                assertThat(again.vocabularySize()).isEqualTo(tokenizer.vocabularySize());
                assertThat(again.description()).isEqualTo("byte-level BPE, 49152 tokens");
            }
        }
    }

    @Test
    void theModelSaysWhichTokensBeginAndEndATextAndThatNoneIsAdded() {
        try (TextTokenizer tokenizer = tokenizer()) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(49_152);
            assertThat(tokenizer.bosId()).isEqualTo(1);
            assertThat(tokenizer.eosId()).isEqualTo(2);
            assertThat(tokenizer.addsBos()).isFalse();
            assertThat(tokenizer.encode("<|im_end|>")).containsExactly(2);
            assertThat(tokenizer.description()).isEqualTo("byte-level BPE (smollm), 49152 tokens");
            assertThat(tokenizer.configJson()).contains("chat_template", "\"eos_token\" : \"<|im_end|>\"");
        }
    }

    @Test
    void aClosedTokenizerRefusesToWork() {
        TextTokenizer tokenizer = tokenizer();
        tokenizer.close();
        tokenizer.close();
        assertThatThrownBy(() -> tokenizer.encode("x")).isInstanceOf(IllegalStateException.class);
    }

    private static String sha256(int[] ids) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(ids);
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
