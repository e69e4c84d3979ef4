package dev.halftone.runtime.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Test;

class TextPiecesTest {
    /** Tokens are bytes. */
    private static String bytes(int[] ids) {
        byte[] bytes = new byte[ids.length];
        for (int i = 0; i < ids.length; i++) {
            bytes[i] = (byte) ids[i];
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private static int[] ids(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xFF;
        }
        return ids;
    }

    @Test
    void charactersComeWhole() {
        String text = "a\u00e9\u20ac\ud83d\ude00 \u4e2d\u6587\u0301";
        TokenText pieces = new TokenText(TextPiecesTest::bytes, new int[0]);
        List<String> shown = new ArrayList<>();
        for (int id : ids(text)) {
            shown.add(pieces.add(id));
        }
        shown.add(pieces.rest());
        assertThat(String.join("", shown)).isEqualTo(text);
        assertThat(shown).noneMatch(piece -> piece.contains("\uFFFD"));
        assertThat(shown.get(0)).isEqualTo("a");
        assertThat(shown.get(1)).isEmpty();
        assertThat(shown.get(2)).isEqualTo("\u00e9");
    }

    @Test
    void brokenBytesDoNotWaitForEver() {
        TokenText pieces = new TokenText(TextPiecesTest::bytes, ids("before"));
        StringBuilder text = new StringBuilder();
        for (int id : new int[] {0xFF, 0xFF, 0xFF, 0xFF, 'a', 0xE2, 0x82}) {
            text.append(pieces.add(id));
        }
        assertThat(text.toString()).isEqualTo("\uFFFD\uFFFD\uFFFD\uFFFDa");
        assertThat(pieces.rest()).isEqualTo("\uFFFD");
        assertThat(pieces.rest()).isEmpty();
    }

    /** Words whose decoder puts a space between, so that a word's text depends on whether something stands before it. */
    @Test
    void aTokensTextDependsOnTheOnesBefore() {
        TokenText pieces = new TokenText(TextPiecesTest::words, new int[] {1});
        assertThat(pieces.add(2)).isEqualTo(" w2");
        assertThat(pieces.add(3)).isEqualTo(" w3");
        assertThat(new TokenText(TextPiecesTest::words, new int[0]).add(2)).isEqualTo("w2");
    }

    private static String words(int[] ids) {
        List<String> words = new ArrayList<>();
        for (int id : ids) {
            words.add("w" + id);
        }
        return String.join(" ", words);
    }

    @Test
    void noPartOfAStopIsEverShown() {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        List<String> stops = List.of("abab", "bb", "caca", "abc");
        for (int round = 0; round < 2000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 14; i++) {
                text.append("abcd".charAt(random.nextInt(4)));
            }
            StopFilter filter = new StopFilter(stops);
            StringBuilder shown = new StringBuilder();
            int at = 0;
            while (at < text.length() && !filter.stopped()) {
                int end = Math.min(text.length(), at + 1 + random.nextInt(3));
                shown.append(filter.add(text.substring(at, end)));
                assertThat(text.toString()).startsWith(shown);
                assertThat(stops).noneMatch(stop -> shown.indexOf(stop) >= 0);
                at = end;
            }
            shown.append(filter.rest());
            String read = text.substring(0, at);
            int first = stops.stream()
                    .mapToInt(read::indexOf)
                    .filter(i -> i >= 0)
                    .min()
                    .orElse(read.length());
            assertThat(shown.toString()).as(read).isEqualTo(read.substring(0, first));
        }
    }
}
