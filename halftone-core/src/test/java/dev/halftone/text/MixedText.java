package dev.halftone.text;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A long text in which everything comes up that tokenizers treat in a way of its own: scripts, marks that combine, emoji of
 * several code points, digits, code, runs of white space, marks of a chat. The same one every time.
 */
final class MixedText {
    private static final List<String> CODE = List.of(
            "for (int i = 0; i < n; i++) {\n\t\tsum += w[i] * x[i];\n\t}\n",
            "def f(x: float) -> float:\n    return x ** 2  # it's squared\n\n",
            "SELECT COUNT(*) FROM t WHERE a != 'b''c';\r\n",
            "<div class=\"row\">&nbsp;</div>\n",
            "{\"key\": [1, 2.5e-3, null], \"\\u00e9\": true}",
            "#include <vector>\nstd::vector<int> v{1,2,3};//end\n",
            "https://example.org/a/b?c=d&e=%20f#g ",
            "x_1 = camelCaseName + HTTPServer2;");
    private static final List<String> WHOLE = List.of(
            "<|im_start|>",
            "<|im_end|>",
            "<|endoftext|>",
            "<s>",
            "<|im_star",
            "?",
            "I'm",
            "we'LL",
            "don't",
            "''",
            "e\u0301",
            "a\u0323\u0307",
            "\u1100\u1161\u11A8",
            "\uFB01n",
            "\u0E01\u0E33",
            "\u2167",
            "\u00BD",
            "x\u00B2",
            "\uFEFF",
            "\u200B",
            "\uD83D\uDC68\u200D\uD83D\uDC69\u200D\uD83D\uDC67",
            "\uD83C\uDDE9\uD83C\uDDEA",
            "\uD83D\uDC4D\uD83C\uDFFD",
            "\uD83D\uDE80",
            "\u2764\uFE0F",
            "\uD835\uDFD8",
            "\uE000",
            "\uFFFD",
            "\uDBFF\uDFFF",
            "\u0085",
            "\0");
    private static final List<String> SPACES = List.of(
            " ",
            " ",
            " ",
            " ",
            "  ",
            "    ",
            "\n",
            "\n\n",
            "\r\n",
            "\t",
            "\t\t ",
            "\u00A0",
            "\u3000",
            "\u2003 ",
            " \n ",
            "\n\n\n\n");

    /** First and last code point of the letters of a script. */
    private static final int[][] SCRIPTS = {
        {'a', 'z'},
        {'a', 'z'},
        {'A', 'Z'},
        {0xE0, 0xFE},
        {0x3B1, 0x3C9},
        {0x430, 0x44F},
        {0x5D0, 0x5EA},
        {0x620, 0x64A},
        {0x905, 0x94D},
        {0xE01, 0xE3A},
        {0x10D0, 0x10F0},
        {0x3041, 0x3096},
        {0x30A1, 0x30FA},
        {0x4E00, 0x9FA5},
        {0xAC00, 0xD7A3},
        {'0', '9'},
        {0x660, 0x669},
        {0x966, 0x96F},
        {0x1F600, 0x1F64F},
        {0x300, 0x36F},
        {'!', '/'},
        {0x20000, 0x2A6D6}
    };

    private MixedText() {}

    /** As many bytes of UTF-8, and at most a few words more. */
    static String of(int bytes) {
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(20_260_101);
        StringBuilder text = new StringBuilder();
        int length = 0;
        while (length < bytes) {
            int start = text.length();
            switch (random.nextInt(16)) {
                case 0 -> text.append(CODE.get(random.nextInt(CODE.size())));
                case 1, 2 -> text.append(WHOLE.get(random.nextInt(WHOLE.size())));
                case 3 -> text.append(random.nextLong(1L << random.nextInt(1, 50)));
                case 4 -> text.append(" ".repeat(random.nextInt(1, 40)));
                default -> word(text, random);
            }
            if (random.nextInt(6) > 0) {
                text.append(SPACES.get(random.nextInt(SPACES.size())));
            }
            length += text.substring(start).getBytes(StandardCharsets.UTF_8).length;
        }
        return text.toString();
    }

    private static void word(StringBuilder text, RandomGenerator random) {
        int[] script = SCRIPTS[random.nextInt(SCRIPTS.length)];
        for (int i = random.nextInt(1, 10); i > 0; i--) {
            text.appendCodePoint(random.nextInt(script[0], script[1] + 1));
        }
    }
}
