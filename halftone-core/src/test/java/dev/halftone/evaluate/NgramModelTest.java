package dev.halftone.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.evaluate.NgramModel.Discounts;
import dev.halftone.evaluate.NgramModel.Score;
import dev.halftone.text.TextFiles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class NgramModelTest {
    private static final Path CORPUS = Path.of("..", "corpus");
    private static final Offset<Double> EXACT = within(1e-12);

    private static int[] bytes(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, bytes.length).map(i -> bytes[i] & 0xFF).toArray();
    }

    private static int[] corpus(String name) {
        return bytes(TextFiles.read(CORPUS.resolve(name)));
    }

    private static double log2(double x) {
        return Math.log(x) / Math.log(2);
    }

    @Test
    void bigramsOfATinyTextAreThoseComputedByHand() {
        int a = 0;
        int b = 1;
        int c = 2;
        // Text aab. Bigrams ^a aa ab, once each. Tokens by what stands before them: a after ^ and a, so 2; b after a,
        // so 1.
        // Too few to estimate discounts: 0.5, 1, 1.5. Order 1: p(a) = (2-1)/3 + (0.5+1)/3/3, p(b) = (1-0.5)/3 + 1/6,
        // p(c) = 1/6.
        NgramModel model = NgramModel.train(List.of(new int[] {a, a, b}), 3, 2);
        assertThat(model.discounts()).containsOnly(new Discounts(0.5, 1, 1.5, false));
        // After b nothing was seen.
        assertThat(model.distribution(new int[] {a, a, b}))
                .containsExactly(new double[] {1 / 2., 1 / 3., 1 / 6.}, EXACT);
        assertThat(model.distribution(new int[] {c})).containsExactly(new double[] {1 / 2., 1 / 3., 1 / 6.}, EXACT);
        // After a: a and b once each, (1-0.5)/2 of their own, and half of order 1.
        assertThat(model.distribution(new int[] {a})).containsExactly(new double[] {1 / 2., 5 / 12., 1 / 12.}, EXACT);
        // At the start: a once, 0.5 of its own.
        assertThat(model.distribution(new int[0])).containsExactly(new double[] {3 / 4., 1 / 6., 1 / 12.}, EXACT);
        assertThat(model.bits(new int[] {a, a, b, c}))
                .containsExactly(new double[] {-log2(3 / 4.), 1, -log2(5 / 12.), -log2(1 / 6.)}, EXACT);
    }

    @Test
    void discountsAreThoseOfChenAndGoodman() {
        // Counts 4 3 2 2 1 1 1 of 7 tokens; an eighth was never seen. Y = 3/7, D = 3/7, 19/14, 9/7; gamma = 46/98.
        NgramModel model = NgramModel.train(List.of(new int[] {0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6}), 8, 1);
        Discounts found = model.discounts().getFirst();
        assertThat(found.estimated()).isTrue();
        assertThat(found.one()).isCloseTo(3 / 7., EXACT);
        assertThat(found.two()).isCloseTo(19 / 14., EXACT);
        assertThat(found.more()).isCloseTo(9 / 7., EXACT);
        double[] p = model.distribution(new int[] {3, 7});
        assertThat(p[0]).isCloseTo((4 - 9 / 7.) / 14 + 46 / 98. / 8, EXACT);
        assertThat(p[3]).isCloseTo((2 - 19 / 14.) / 14 + 46 / 98. / 8, EXACT);
        assertThat(p[7]).isCloseTo(46 / 98. / 8, EXACT);
    }

    @Test
    void probabilitiesAddUpToOneAfterSeenAndUnseenContexts() {
        NgramModel model =
                NgramModel.train(List.of(corpus("moby-dick.train.txt"), corpus("moby-dick.calibration.txt")), 256, 5);
        assertThat(model.discounts().subList(1, 5)).allMatch(Discounts::estimated);
        for (String text : List.of("", "T", "The whale", "whale qqzq", "\u0001\u0002", "the\u0001", "\u0001the")) {
            double[] p = model.distribution(bytes(text));
            assertThat(Arrays.stream(p).sum()).as(text).isCloseTo(1, within(1e-9));
            assertThat(Arrays.stream(p).allMatch(x -> x > 0 && x < 1)).as(text).isTrue();
        }
        assertThat(model.distribution(bytes("The whal"))['e']).isGreaterThan(0.5);
    }

    @Test
    void bitsEqualThoseOfAModelWrittenDownFromTheDefinition() {
        int[] text = Arrays.copyOf(corpus("moby-dick.train.txt"), 3000);
        int[] second = Arrays.copyOf(corpus("sotu.train.txt"), 2000);
        int[] test = Arrays.copyOf(corpus("moby-dick.test.txt"), 1000);
        for (int order : new int[] {1, 2, 3, 6}) {
            NgramModel model = NgramModel.train(List.of(text, second), 256, order);
            Plain plain = new Plain(List.of(text, second), 256, model.discounts());
            double[] bits = model.bits(test);
            for (int i = 0; i < test.length; i++) {
                assertThat(bits[i]).as("order %d, byte %d", order, i).isCloseTo(-log2(plain.p(test, i)), within(1e-9));
            }
        }
    }

    @Test
    void bitsPerByteFallWithTheOrder() {
        List<int[]> texts = List.of(corpus("sotu.train.txt"), corpus("moby-dick.train.txt"));
        int[] test = corpus("sotu.test.txt");
        double before = 8;
        for (int order = 1; order <= 5; order++) {
            NgramModel model = NgramModel.train(texts, 256, order);
            Score score = Score.of(List.of(model.bits(test)), test.length);
            assertThat(score.bitsPerByte().value()).as("order %d", order).isLessThan(before - 0.05);
            assertThat(score.bitsPerByte().error()).isBetween(0.0, 0.02);
            before = score.bitsPerByte().value();
        }
        assertThat(before).isBetween(1.5, 2.5);
    }

    @Test
    void theOrderOfTheTextsDoesNotMatter() {
        List<int[]> texts = new ArrayList<>(List.of(corpus("moby-dick.train.txt"), corpus("sotu.test.txt")));
        int[] test = corpus("moby-dick.test.txt");
        double[] bits = NgramModel.train(texts, 256, 4).bits(test);
        Collections.reverse(texts);
        assertThat(NgramModel.train(texts, 256, 4).bits(test)).containsExactly(bits);
    }

    @Test
    void bitsPerByteCountTheBytesOfTheText() {
        Score score = Score.of(List.of(new double[] {1, 3}, new double[] {5}), 12);
        assertThat(score.tokens()).isEqualTo(3);
        assertThat(score.bitsPerToken().value()).isCloseTo(3, EXACT);
        assertThat(score.bitsPerByte().value()).isCloseTo(9 / 12., EXACT);
        assertThat(score.bitsPerByte().error()).isCloseTo(score.bitsPerToken().error() / 4, EXACT);
    }

    @Test
    void ordersBeyondTheLimitsAreRefused() {
        for (int order : new int[] {-1, 0, 17}) {
            assertThatThrownBy(() -> NgramModel.train(List.of(), 256, order)).hasMessageContaining("HT-630");
        }
        assertThat(NgramModel.train(List.of(new int[0]), 4, 16).distribution(new int[] {3}))
                .containsExactly(0.25, 0.25, 0.25, 0.25);
    }

    /** The plain twin: lists as keys, sums over all n-grams, recursion from the highest order. */
    private static final class Plain {
        private final int vocabulary;
        private final int order;
        private final List<Discounts> discounts;
        private final List<Map<List<Integer>, Integer>> counts = new ArrayList<>();
        private final List<Map<List<Integer>, List<Integer>>> following = new ArrayList<>();

        Plain(List<int[]> texts, int vocabulary, List<Discounts> discounts) {
            this.vocabulary = vocabulary;
            this.order = discounts.size();
            this.discounts = discounts;
            for (int n = 1; n <= order; n++) {
                counts.add(new HashMap<>());
                following.add(new HashMap<>());
            }
            Set<List<Integer>> seen = new HashSet<>();
            for (int[] text : texts) {
                for (int i = 0; i < text.length; i++) {
                    counts.get(order - 1).merge(gram(text, i + 1, order), 1, Integer::sum);
                    for (int n = 2; n <= order; n++) {
                        List<Integer> gram = gram(text, i + 1, n);
                        if (seen.add(gram)) {
                            counts.get(n - 2).merge(gram.subList(1, n), 1, Integer::sum);
                        }
                    }
                }
            }
            for (int n = 1; n <= order; n++) {
                Map<List<Integer>, List<Integer>> after = following.get(n - 1);
                counts.get(n - 1)
                        .forEach((gram, count) -> after.computeIfAbsent(
                                        gram.subList(0, gram.size() - 1), _ -> new ArrayList<>())
                                .add(count));
            }
        }

        /** The last n tokens before {@code end}; -1 is the start mark. */
        private static List<Integer> gram(int[] text, int end, int n) {
            return IntStream.range(end - n, end)
                    .mapToObj(i -> i < 0 ? -1 : text[i])
                    .toList();
        }

        double p(int[] text, int at) {
            return p(text, at, order);
        }

        private double p(int[] text, int at, int n) {
            if (n == 0) {
                return 1.0 / vocabulary;
            }
            double lower = p(text, at, n - 1);
            List<Integer> after = following.get(n - 1).get(gram(text, at, n - 1));
            if (after == null) {
                return lower;
            }
            double total = after.stream().mapToInt(Integer::intValue).sum();
            double taken =
                    after.stream().mapToDouble(c -> discounts.get(n - 1).of(c)).sum();
            int count = counts.get(n - 1).getOrDefault(gram(text, at + 1, n), 0);
            double own = count == 0 ? 0 : count - discounts.get(n - 1).of(count);
            return (own + taken * lower) / total;
        }
    }
}
