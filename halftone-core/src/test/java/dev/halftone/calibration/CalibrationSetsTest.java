package dev.halftone.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.TinyModel;
import dev.halftone.calibration.CalibrationSource.Ascii;
import dev.halftone.calibration.CalibrationSource.Language;
import dev.halftone.calibration.CalibrationSource.Mode;
import dev.halftone.calibration.CalibrationSource.Punctuation;
import dev.halftone.calibration.CalibrationSource.Repeat;
import dev.halftone.calibration.CalibrationSource.Self;
import dev.halftone.calibration.CalibrationSource.Shuffle;
import dev.halftone.calibration.CalibrationSource.Task;
import dev.halftone.calibration.CalibrationSource.Text;
import dev.halftone.calibration.CalibrationSource.Tokens;
import dev.halftone.calibration.CalibrationSource.Unigram;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.model.Decoder;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationSetsTest {
    @TempDir
    private static Path temporary = Path.of("");

    /** Words w0 to w95, no special tokens. */
    private static Path words = Path.of("");

    /** Ids 0 to 95: unknown, then the printable characters. */
    private static Path characters = Path.of("");

    /** BOS 1 and EOS 2, put in front or not; models that are not sure what comes next. */
    private static Path begins = Path.of("");

    private static Path marked = Path.of("");

    private static Path text = Path.of("");

    @BeforeAll
    static void write() throws IOException {
        words = TinyModel.write(temporary.resolve("words"), 1);
        characters = TinyModel.withCharacters(TinyModel.write(temporary.resolve("characters"), 1));
        begins = TinyModel.withSpecialTokens(TinyModel.write(temporary.resolve("begins"), 1, 0.2), true);
        marked = TinyModel.withSpecialTokens(TinyModel.write(temporary.resolve("marked"), 1, 0.2), false);
        text = Files.writeString(temporary.resolve("text.txt"), TinyModel.text(700, 2));
    }

    @Test
    void firstCutsTheTextFromItsStartWithoutBosAndOtherwiseChangesNothing() {
        int[] tokens = ids(text);
        CalibrationSet set = draw(words, new Text(Mode.FIRST, List.of(text)), 5, 32, 1);
        assertThat(set.sequences()).hasSize(5);
        for (int k = 0; k < 5; k++) {
            assertThat(set.sequences().get(k)).containsExactly(Arrays.copyOfRange(tokens, 32 * k, 32 * k + 32));
        }
        CalibrationSet.Report report =
                draw(begins, new Text(Mode.FIRST, List.of(text)), 5, 32, 1).report();
        assertThat(report.bos()).isFalse();
        assertThat(report.tokens()).isEqualTo(5 * 32);
    }

    @Test
    void gptqTakesWindowsThatStartAnywhereButAtTheLastPosition() throws IOException {
        Path counting = Files.writeString(temporary.resolve("counting.txt"), sentence(0, 9));
        TreeSet<Integer> starts = new TreeSet<>();
        for (int[] window :
                draw(words, new Text(Mode.GPTQ, List.of(counting)), 200, 4, 1).sequences()) {
            assertThat(window).containsExactly(window[0], window[0] + 1, window[0] + 2, window[0] + 3);
            starts.add(window[0]);
        }
        assertThat(starts).containsExactly(0, 1, 2, 3, 4); // n - L - 1 = 9 - 4 - 1
    }

    @Test
    void documentTakesAWindowOfADocumentThatIsLongEnough() throws IOException {
        Path documents = documents("mixed.jsonl", sentence(0, 3), sentence(10, 4), sentence(20, 6), sentence(30, 2));
        TreeSet<Integer> starts = new TreeSet<>();
        for (int[] window : draw(words, new Text(Mode.DOCUMENT, List.of(documents)), 100, 4, 1)
                .sequences()) {
            assertThat(window).containsExactly(window[0], window[0] + 1, window[0] + 2, window[0] + 3);
            starts.add(window[0]);
        }
        assertThat(starts).containsExactly(10, 20, 21, 22);
    }

    @Test
    void packPutsShortDocumentsTogetherAndSoGivesFewerSequences() throws IOException {
        Path documents = documents(
                "short.jsonl", sentence(0, 5), sentence(10, 9), sentence(20, 5), sentence(30, 5), sentence(40, 8));
        CalibrationSet set = draw(words, new Text(Mode.PACK, List.of(documents)), 4, 8, 1);
        assertThat(set.sequences())
                .hasSize(2)
                .allSatisfy(block -> assertThat(block).hasSize(8).doesNotContain(10, 18));
        assertThat(set.report().requested()).isEqualTo(4);
        assertThat(set.report().samples()).isEqualTo(2);
        int[] joined = set.sequences().stream().flatMapToInt(Arrays::stream).toArray();
        int breaks = 0;
        for (int i = 1; i < joined.length; i++) {
            breaks += joined[i] == joined[i - 1] + 1 ? 0 : 1;
        }
        assertThat(breaks).isBetween(2, 3); // whole documents one after the other
    }

    @Test
    void truncateTakesBeginningsAndKeepsShortDocuments() throws IOException {
        Path documents = documents("beginnings.jsonl", sentence(0, 3), sentence(10, 12), "", sentence(30, 8));
        CalibrationSet set = draw(words, new Text(Mode.TRUNCATE, List.of(documents)), 5, 8, 1);
        assertThat(set.sequences())
                .extracting(sequence -> sequence[0] + ":" + sequence.length)
                .containsExactlyInAnyOrder("0:3", "10:8", "30:8");
        assertThat(set.report().tokens()).isEqualTo(19);
        assertThat(set.report().samples()).isEqualTo(3);
    }

    @Test
    void punctuationIsUniformOverTheThirtyTwoCharacters() {
        CalibrationSet set = draw(characters, new Punctuation(), 100, 64, 1);
        TokenHistogram histogram = TokenHistogram.of(set.sequences());
        String found = IntStream.range(0, histogram.counts().length)
                .filter(id -> histogram.counts()[id] > 0)
                .mapToObj(id -> String.valueOf((char) (' ' + id - 1)))
                .collect(Collectors.joining());
        assertThat(found).isEqualTo(CharacterSequences.PUNCTUATION).hasSize(32).matches("\\p{Punct}*");
        assertThat(histogram.entropyBits()).isCloseTo(5, within(0.02));
        assertThat(set.report().tokens()).isEqualTo(6400);
        assertThat(set.report().mode()).isNull();
    }

    @Test
    void asciiIsUniformOverTheNinetyFivePrintableCharacters() {
        CalibrationSet.Report report = draw(characters, new Ascii(), 100, 64, 1).report();
        assertThat(report.distinctTokens()).isEqualTo(95);
        assertThat(report.entropyBits()).isCloseTo(Math.log(95) / Math.log(2), within(0.03));
    }

    @Test
    void tokensAreUniformOverTheVocabularyWithoutSpecialOnes() {
        CalibrationSet set = draw(marked, new Tokens(), 100, 64, 1);
        TokenHistogram histogram = TokenHistogram.of(set.sequences());
        assertThat(histogram.distinct()).isEqualTo(TinyModel.VOCABULARY - 2);
        assertThat(histogram.counts()[1] + histogram.counts()[2]).isZero();
        assertThat(histogram.entropyBits()).isCloseTo(Math.log(94) / Math.log(2), within(0.03));
    }

    @Test
    void unigramHasTheFrequenciesOfTheText() throws IOException {
        Path skewed = Files.writeString(temporary.resolve("skewed.txt"), "w5 w5 w5 w6");
        TokenHistogram histogram = TokenHistogram.of(
                draw(words, new Unigram(List.of(skewed)), 100, 64, 1).sequences());
        assertThat(histogram.distinct()).isEqualTo(2);
        assertThat(histogram.counts()[5] / 6400.0).isCloseTo(0.75, within(0.02));
    }

    @Test
    void shuffleKeepsTheTokensOfEachWindowAndLosesTheirOrder() {
        List<int[]> windows =
                draw(words, new Text(Mode.GPTQ, List.of(text)), 8, 64, 3).sequences();
        List<int[]> shuffled = draw(words, new Shuffle(List.of(text)), 8, 64, 3).sequences();
        for (int k = 0; k < 8; k++) {
            assertThat(shuffled.get(k)).isNotEqualTo(windows.get(k));
            assertThat(sorted(shuffled.get(k))).containsExactly(sorted(windows.get(k)));
        }
    }

    @Test
    void repeatIsOneOrdinaryTokenOrTheOneNamed() {
        CalibrationSet drawn = draw(marked, new Repeat(-1), 4, 16, 1);
        assertThat(drawn.report().distinctTokens()).isEqualTo(1);
        assertThat(drawn.report().entropyBits()).isZero();
        for (int seed = 0; seed < 50; seed++) {
            assertThat(draw(marked, new Repeat(-1), 1, 2, seed).sequences().getFirst())
                    .doesNotContain(1, 2);
        }
        assertThat(draw(words, new Repeat(7), 2, 3, 1).sequences())
                .containsExactly(new int[] {7, 7, 7}, new int[] {7, 7, 7});
    }

    @Test
    void taskJoinsPromptAndRightAnswerAndLeavesOtherSplitsThanTheTrainingOneAlone() throws IOException {
        Path items = Files.write(
                temporary.resolve("items.jsonl"),
                List.of(
                        "{\"context\": \"w10 w11\", \"choices\": [\"w12\", \"w90\"], \"gold\": 0}",
                        "",
                        "{\"prompt\": \"w20 w21\", \"choices\": [\"w91\", \"w22\"], \"gold\": 1, \"split\": \"train\"}",
                        "{\"context\": \"w30 w31\", \"target\": \"w32\", \"split\": \"test\"}"));
        CalibrationSet train = draw(words, new Task(List.of(items), false), 9, 3, 1);
        assertThat(train.sequences()).containsExactlyInAnyOrder(new int[] {10, 11, 12}, new int[] {20, 21, 22});
        assertThat(train.report().mode()).isEqualTo("train");
        CalibrationSet leak = draw(words, new Task(List.of(items), true), 9, 3, 1);
        assertThat(leak.sequences()).hasSize(3).contains(new int[] {30, 31, 32});
        assertThat(leak.report().mode()).isEqualTo("leak");
        assertThat(draw(words, new Task(List.of(items), true), 1, 9, 1).sequences())
                .hasSize(1);
    }

    @Test
    void languageReadsOnFromALineThatIsTheSameInParallelFiles() throws IOException {
        Path english = Files.write(
                temporary.resolve("en.txt"),
                IntStream.range(0, 20).mapToObj(i -> "w" + i + " w" + i).toList());
        Path german = Files.write(
                temporary.resolve("de.txt"),
                IntStream.range(0, 20)
                        .mapToObj(i -> "w" + (i + 40) + " w" + (i + 40))
                        .toList());
        TreeSet<Integer> starts = new TreeSet<>();
        for (int seed = 0; seed < 30; seed++) {
            int[] one = draw(words, new Language(List.of(english)), 1, 40, seed)
                    .sequences()
                    .getFirst();
            int[] two = draw(words, new Language(List.of(german)), 1, 40, seed)
                    .sequences()
                    .getFirst();
            for (int i = 0; i < 40; i++) {
                assertThat(one[i]).isEqualTo((one[0] + i / 2) % 20);
                assertThat(two[i]).isEqualTo(one[i] + 40);
            }
            starts.add(one[0]);
        }
        assertThat(starts).hasSizeGreaterThan(8);
        assertThat(draw(words, new Language(List.of(english)), 99, 16, 1).sequences())
                .hasSize(2);
    }

    @Test
    void selfSamplesEachTokenFromTheModelsOwnDistributionWithAnyNumberOfThreads() {
        CalibrationOptions options = new CalibrationOptions(new Self(), 3, 24, 5);
        try (ModelFile file = ModelFile.open(begins);
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Workers one = new Workers(1);
                Workers two = new Workers(2)) {
            CalibrationSet set = CalibrationSets.draw(options, file, two);
            assertThat(CalibrationSets.draw(options, file, one).report()).isEqualTo(set.report());
            assertThat(set.report().distinctTokens()).isGreaterThan(20);
            for (int k = 0; k < 3; k++) {
                int[] ids = set.sequences().get(k);
                assertThat(ids).hasSize(24).startsWith(1);
                RandomGenerator random = Request.random(5, "self", k);
                Torch.inScope(() -> {
                    float[] logits = Tensors.floats(decoder.forward(ids, SiteObserver.NONE));
                    for (int i = 1; i < ids.length; i++) {
                        float[] row =
                                Arrays.copyOfRange(logits, (i - 1) * TinyModel.VOCABULARY, i * TinyModel.VOCABULARY);
                        assertThat(ids[i]).isEqualTo(SelfSequences.pick(row, random.nextDouble()));
                    }
                });
            }
        }
        assertThat(draw(marked, new Self(), 3, 24, 5).report().bos()).isFalse();
    }

    @Test
    void samplingIsTheInverseOfTheCumulativeProbabilities() {
        float[] logits = {(float) Math.log(0.5), Float.NEGATIVE_INFINITY, (float) Math.log(0.25), (float) Math.log(0.25)
        };
        assertThat(SelfSequences.pick(logits, 0)).isZero();
        assertThat(SelfSequences.pick(logits, 0.499)).isZero();
        assertThat(SelfSequences.pick(logits, 0.501)).isEqualTo(2);
        assertThat(SelfSequences.pick(logits, 0.751)).isEqualTo(3);
        assertThat(SelfSequences.pick(logits, Math.nextDown(1.0))).isEqualTo(3);
        assertThatThrownBy(() -> SelfSequences.pick(new float[] {0, Float.NaN}, 0.5))
                .hasMessageStartingWith("HT-449 ");
    }

    static List<CalibrationSource> sources() throws IOException {
        Path short1 = documents(
                "many.jsonl",
                IntStream.range(0, 60)
                        .mapToObj(i -> TinyModel.text(3 + i % 11, i))
                        .toArray(String[]::new));
        Path items = Files.write(
                temporary.resolve("many-items.jsonl"),
                IntStream.range(0, 60)
                        .mapToObj(i -> "{\"context\": \"" + TinyModel.text(3, i) + "\", \"target\": \"w3\"}")
                        .toList());
        Path lines = Files.write(
                temporary.resolve("lines.txt"),
                IntStream.range(0, 60).mapToObj(i -> TinyModel.text(4, i)).toList());
        Path one = Files.writeString(temporary.resolve("one.txt"), TinyModel.text(700, 2));
        return List.of(
                new Text(Mode.GPTQ, List.of(one)),
                new Text(Mode.DOCUMENT, List.of(one, short1)),
                new Text(Mode.PACK, List.of(short1)),
                new Text(Mode.TRUNCATE, List.of(short1)),
                new Punctuation(),
                new Ascii(),
                new Tokens(),
                new Unigram(List.of(one)),
                new Shuffle(List.of(one)),
                new Repeat(-1),
                new Task(List.of(items), false),
                new Language(List.of(lines)),
                new Self());
    }

    @ParameterizedTest
    @MethodSource("sources")
    void theSeedDecidesAndSequenceKDoesNotDependOnHowManyAreDrawn(CalibrationSource source) {
        boolean needsCharacters = source instanceof Punctuation || source instanceof Ascii;
        Path model = needsCharacters ? characters : begins;
        CalibrationSet set = draw(model, source, 12, 12, 7);
        assertThat(draw(model, source, 12, 12, 7).report()).isEqualTo(set.report());
        assertThat(draw(model, source, 12, 12, 8).report().sha256())
                .isNotEqualTo(set.report().sha256());
        List<int[]> fewer = draw(model, source, 5, 12, 7).sequences();
        assertThat(fewer).isNotEmpty().hasSizeLessThanOrEqualTo(5);
        for (int k = 0; k < fewer.size(); k++) {
            assertThat(fewer.get(k)).containsExactly(set.sequences().get(k));
        }
        assertThat(set.report().bos()).isEqualTo(!needsCharacters);
        assertThat(set.sequences()).allSatisfy(sequence -> {
            assertThat(sequence.length).isLessThanOrEqualTo(12);
            if (!needsCharacters) {
                assertThat(sequence).startsWith(1);
            }
        });
    }

    @Test
    void theReportHashesTheIdsAsLittleEndianIntegers() throws Exception {
        CalibrationSet set = draw(words, new Text(Mode.GPTQ, List.of(text)), 3, 16, 1);
        ByteBuffer bytes = ByteBuffer.allocate(3 * 16 * 4).order(ByteOrder.LITTLE_ENDIAN);
        set.sequences().forEach(sequence -> Arrays.stream(sequence).forEach(bytes::putInt));
        assertThat(set.report().sha256())
                .isEqualTo(HexFormat.of()
                        .formatHex(java.security.MessageDigest.getInstance("SHA-256")
                                .digest(bytes.array())));
        assertThat(set.report().tokens()).isEqualTo(48);
        assertThat(set.report().distinctTokens()).isBetween(2, 48);
        assertThat(set.report().entropyBits()).isBetween(1.0, Math.log(48) / Math.log(2));
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void aTextThatIsTooShortForTheModeIsRefused(Mode mode) throws IOException {
        Path tiny = documents("tiny.jsonl", "w1 w2", "w3 w4 w5");
        if (mode == Mode.TRUNCATE) {
            assertThat(draw(words, new Text(mode, List.of(tiny)), 4, 16, 1).sequences())
                    .hasSize(2);
            return;
        }
        String expected = switch (mode) {
            case FIRST -> "HT-411 " + tiny + ": the text has 5 tokens; 4 windows of 16 need 64";
            case GPTQ -> "HT-411 " + tiny + ": the text has 5 tokens; 4 windows of 16 need 17";
            case DOCUMENT -> "HT-444 " + tiny + ": no document has 16 tokens; the longest has 3";
            case PACK -> "HT-445 " + tiny + ": put together, 5 tokens; one sequence needs 16";
            case TRUNCATE -> "";
        };
        refused(expected, words, new Text(mode, List.of(tiny)), 16);
        if (mode == Mode.PACK) {
            refused("HT-444 " + tiny + ": every document is longer", begins, new Text(mode, List.of(tiny)), 2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"text\": \"\"}", "\n\n"})
    void filesWithoutDocumentsAreRefused(String content) throws IOException {
        Path file = Files.writeString(temporary.resolve("nothing.jsonl"), content);
        refused("HT-443 " + file, words, new Text(Mode.TRUNCATE, List.of(file)), 16);
        refused("HT-443 " + file, words, new Unigram(List.of(file)), 16);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[1]", "w1 w2", "{\"text\": 5}", "{\"Text\": \"w1\"}", "{\"text\": \"w1\"} {}"})
    void aLineThatIsNoDocumentIsNamed(String line) throws IOException {
        Path file = Files.writeString(temporary.resolve("broken.jsonl"), "{\"text\": \"w1\"}\n" + line + "\n");
        refused("HT-442 " + file + ":2: ", words, new Text(Mode.FIRST, List.of(file)), 2);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"context\": \"w1\", \"choices\": [\"w2\"], \"gold\": 1}",
                "{\"context\": \"w1\", \"choices\": [\"w2\"]}",
                "{\"context\": \"w1\"}",
                "{\"target\": \"w1\"}"
            })
    void anItemWithoutARightAnswerIsNamed(String line) throws IOException {
        Path file = Files.writeString(temporary.resolve("unanswered.jsonl"), line);
        refused("HT-442 " + file + ":1: ", words, new Task(List.of(file), false), 2);
    }

    @Test
    void whatASourceCannotGiveIsRefused() throws IOException {
        Path test = Files.writeString(
                temporary.resolve("test-split.jsonl"),
                "{\"context\": \"w1\", \"target\": \"w2\", \"split\": \"test\"}");
        Path blank = Files.writeString(temporary.resolve("blank.txt"), " \n ");
        Path line = Files.writeString(temporary.resolve("line.txt"), "w1 w2\n");
        refused("HT-443 " + test + ": no items of the training split", words, new Task(List.of(test), false), 2);
        refused("HT-443 " + blank + ": no sentences", words, new Language(List.of(blank)), 2);
        refused("HT-443 " + blank + ": no document with tokens", words, new Unigram(List.of(blank)), 2);
        refused("HT-445 " + line, words, new Language(List.of(line)), 16);
        refused("HT-441 calibration source shuffle: no file is named", words, new Shuffle(List.of()), 16);
        refused("HT-446 calibration source punctuation: 128 characters gave 1 tokens", words, new Punctuation(), 16);
        refused("HT-447 calibration source repeat: token 96; ids are below 96", words, new Repeat(96), 16);
        refused("HT-448 " + words + ": the tokenizer has neither BOS nor EOS", words, new Self(), 16);
        assertThatThrownBy(() -> CalibrationSource.named("noise")).hasMessageStartingWith("HT-440 ");
    }

    @Test
    void theCommandLineChangesTheSourceOrItsFiles() {
        List<Path> old = List.of(Path.of("old"));
        List<Path> fresh = List.of(Path.of("new"));
        CalibrationSource recipe = new Text(Mode.PACK, old);
        assertThat(recipe.overridden(null, List.of())).isEqualTo(recipe);
        assertThat(recipe.overridden("text", fresh)).isEqualTo(new Text(Mode.PACK, fresh));
        assertThat(recipe.overridden(null, fresh)).isEqualTo(new Text(Mode.PACK, fresh));
        assertThat(recipe.overridden("unigram", List.of())).isEqualTo(new Unigram(old));
        assertThat(recipe.overridden("task", List.of())).isEqualTo(new Task(List.of(), false));
        assertThat(recipe.overridden("task", fresh)).isEqualTo(new Task(fresh, false));
        assertThat(recipe.overridden("self", List.of())).isEqualTo(new Self());
        assertThat(new Task(old, true).overridden(null, fresh)).isEqualTo(new Text(Mode.FIRST, fresh));
        assertThatThrownBy(() -> recipe.overridden("punctuation", fresh)).hasMessageStartingWith("HT-441 ");
    }

    private static void refused(String message, Path model, CalibrationSource source, int length) {
        assertThatThrownBy(() -> draw(model, source, 4, length, 1))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith(message);
    }

    private static CalibrationSet draw(Path model, CalibrationSource source, int samples, int length, long seed) {
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(2)) {
            return CalibrationSets.draw(new CalibrationOptions(source, samples, length, seed), file, workers);
        }
    }

    private static int[] ids(Path file) {
        try (ModelFile model = ModelFile.open(words);
                dev.halftone.text.TextTokenizer tokenizer = model.tokenizer()) {
            return tokenizer.encode(dev.halftone.text.TextFiles.read(file));
        }
    }

    /** "wF wF+1 ...", that many words. */
    private static String sentence(int first, int count) {
        return IntStream.range(first, first + count).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
    }

    private static Path documents(String name, String... texts) throws IOException {
        return Files.write(
                temporary.resolve(name),
                Arrays.stream(texts).map(text -> "{\"text\": \"" + text + "\"}").toList());
    }

    private static int[] sorted(int[] values) {
        int[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted;
    }
}
