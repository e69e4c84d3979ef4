package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.halftone.checkpoint.GgufFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * 1 MB of mixed text gives the ids of DJL's tokenizer class, whole and by lines, and those of Python's tokenizers:
 * {@code tools/fixtures/tokenizer_ids.py} prints the golden figures for the text that a run with {@code -Dhalftone.mixed.text=FILE}
 * writes.
 */
class TokenizerEqualityTest {
    private static final Path MODEL =
            Path.of(System.getProperty("halftone.shared", "absent"), "real-models", "SmolLM2-135M-Instruct.Q4_1.gguf");
    private static final int MEGABYTE = 1 << 20;
    private static final String TEXT_SHA256 = "26655def86e5aacf3169493f30929018888827c0d39e32f2df03deeb833096e0";
    private static final String IDS_SHA256 = "85dab5bea13f8fe4a1838badbdbd0867f7e8b1eeae25c66b57746eed93a1e898";

    @TempDir
    private Path directory = Path.of("");

    /** DJL's class reports its use over the network otherwise. */
    @BeforeAll
    static void stayOffline() {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("OPT_OUT_TRACKING", "true");
        System.setProperty("RUST_FLAVOR", "cpu");
    }

    private HuggingFaceTokenizer theirs(String json) throws IOException {
        Path file = Files.writeString(directory.resolve("tokenizer.json"), json);
        return HuggingFaceTokenizer.builder()
                .optTokenizerPath(file)
                .optAddSpecialTokens(false)
                .optTruncation(false)
                .optPadding(false)
                .build();
    }

    private static int[] ids(HuggingFaceTokenizer tokenizer, String text) {
        Encoding encoding = tokenizer.encode(text);
        return Arrays.stream(encoding.getIds()).mapToInt(Math::toIntExact).toArray();
    }

    @Test
    void aRealVocabularyGivesTheIdsOfDjlAndOfPython() throws IOException {
        assumeTrue(Files.isRegularFile(MODEL), "no " + MODEL + ": set halftone.shared");
        String text = MixedText.of(MEGABYTE);
        String copy = System.getProperty("halftone.mixed.text", "");
        if (!copy.isEmpty()) {
            Files.writeString(Path.of(copy), text);
        }
        String json;
        try (GgufFile file = GgufFile.open(MODEL);
                TextTokenizer gguf = TextTokenizer.fromGguf(file.metadata(), MODEL.toString())) {
            json = gguf.toJson();
        }
        try (HuggingFaceTokenizer theirs = theirs(json);
                TextTokenizer ours = TextTokenizer.fromDirectory(directory)) {
            int[] whole = ours.encode(text);
            assertThat(whole).isEqualTo(ids(theirs, text));
            assertThat(sha256(text.getBytes(StandardCharsets.UTF_8))).isEqualTo(TEXT_SHA256);
            assertThat(sha256(whole)).isEqualTo(IDS_SHA256);
            int lines = compareLines(text, ours, theirs);
            assertThat(lines).isGreaterThan(10_000);
            assertThat(Arrays.stream(whole).filter(id -> id == 1).count())
                    .as("<|im_start|> inside the text")
                    .isGreaterThan(100);
        }
    }

    @Test
    void everyKindOfModelGivesTheIdsOfDjlLineByLine() throws IOException {
        String text = MixedText.of(MEGABYTE / 4);
        for (String json : TokenizerSeeds.documents()) {
            try (HuggingFaceTokenizer theirs = theirs(json);
                    TextTokenizer ours = TextTokenizer.fromDirectory(directory)) {
                assertThat(compareLines(text, ours, theirs)).isGreaterThan(2500);
            }
        }
    }

    private static int compareLines(String text, TextTokenizer ours, HuggingFaceTokenizer theirs) {
        List<String> lines = List.of(text.split("(?<=\n)"));
        for (String line : lines) {
            int[] ids = ours.encode(line);
            assertThat(Arrays.equals(ids, ids(theirs, line))).as(line).isTrue();
        }
        return lines.size();
    }

    private static String sha256(int[] ids) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(ids);
        return sha256(bytes.array());
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
