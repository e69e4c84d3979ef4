package dev.halftone.app;

import dev.halftone.evaluate.NgramModel;
import dev.halftone.evaluate.NgramModel.Score;
import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.PeakMemory;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextFiles;
import dev.halftone.text.TextTokenizer;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code halftone ngram --train FILES --test FILES}. */
@Command(
        name = "ngram",
        description = "Measures texts with an n-gram model of other texts: the floor for small models.",
        mixinStandardHelpOptions = true)
final class NgramCommand implements Callable<Integer> {
    private static final int SCHEMA = 1;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Mixin
    private CommonOptions common = new CommonOptions();

    @Option(names = "--train", paramLabel = "FILE", arity = "1..*", required = true, description = "texts to count")
    private List<Path> train = List.of();

    @Option(names = "--test", paramLabel = "FILE", arity = "1..*", required = true, description = "texts to measure")
    private List<Path> test = List.of();

    @Option(
            names = "--tokenizer",
            paramLabel = "DIR",
            description = "directory with tokenizer.json (default: every byte is a token)")
    private @Nullable Path tokenizer;

    @Option(names = "--order", paramLabel = "N", description = "tokens of an n-gram (default: ${DEFAULT-VALUE})")
    private int order = 5;

    /** A text as the model sees it. */
    private record Encoded(int[] tokens, long bytes) {}

    /** What is known of one order. */
    record Order(int order, int ngrams, NgramModel.Discounts discounts) {}

    /** A measured text. */
    record Text(
            String file,
            long bytes,
            long tokens,
            double bitsPerByte,
            double bitsPerByteStderr,
            double bitsPerToken,
            double bitsPerTokenStderr) {
        static Text of(String file, Score score) {
            return new Text(
                    file,
                    score.bytes(),
                    score.tokens(),
                    score.bitsPerByte().value(),
                    score.bitsPerByte().error(),
                    score.bitsPerToken().value(),
                    score.bitsPerToken().error());
        }
    }

    /**
     * What {@code --json} prints.
     *
     * @param tokenizer "bytes", or what the tokenizer is
     * @param all the texts together
     */
    record Document(
            int schema,
            String tokenizer,
            int vocabulary,
            int order,
            long trainTokens,
            List<Order> orders,
            List<Text> texts,
            Text all,
            double trainSeconds,
            double seconds,
            long peakMemoryBytes,
            Provenance provenance) {}

    @Override
    public Integer call() {
        int threads = common.checkedThreads();
        NgramModel.checkOrder(order);
        Document document;
        try (Workers workers = new Workers(threads);
                TextTokenizer opened = tokenizer == null ? null : TextTokenizer.fromDirectory(tokenizer)) {
            document = measure(opened, workers);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (common.json) {
            CommonOptions.print(out, document);
        } else {
            print(out, document);
        }
        return 0;
    }

    private Document measure(@Nullable TextTokenizer opened, Workers workers) {
        long start = System.nanoTime();
        // Before the long work: a test file that is not there is said at once.
        List<Encoded> tests = encode(test, opened, workers);
        List<int[]> texts =
                encode(train, opened, workers).stream().map(Encoded::tokens).toList();
        int vocabulary = opened == null ? 256 : opened.vocabularySize();
        NgramModel model = NgramModel.train(texts, vocabulary, order);
        double trainSeconds = (System.nanoTime() - start) / 1e9;

        double[][] bits = new double[tests.size()][];
        workers.forEach(bits.length, i -> bits[i] = model.bits(tests.get(i).tokens()));
        List<Text> measured = new ArrayList<>();
        long bytes = 0;
        for (int i = 0; i < bits.length; i++) {
            bytes += tests.get(i).bytes();
            measured.add(Text.of(
                    test.get(i).toString(),
                    Score.of(List.of(bits[i]), tests.get(i).bytes())));
        }
        List<Order> orders = new ArrayList<>();
        for (int n = 1; n <= order; n++) {
            orders.add(new Order(n, model.ngrams(n), model.discounts().get(n - 1)));
        }
        return new Document(
                SCHEMA,
                opened == null ? "bytes" : opened.description(),
                vocabulary,
                order,
                model.tokens(),
                orders,
                measured,
                Text.of("all", Score.of(Arrays.asList(bits), bytes)),
                trainSeconds,
                (System.nanoTime() - start) / 1e9,
                PeakMemory.bytes(),
                provenance());
    }

    private static List<Encoded> encode(List<Path> files, @Nullable TextTokenizer tokenizer, Workers workers) {
        Encoded[] result = new Encoded[files.size()];
        workers.forEach(result.length, i -> {
            String text = TextFiles.read(files.get(i));
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            result[i] = new Encoded(tokenizer == null ? unsigned(bytes) : tokenizer.encode(text), bytes.length);
        });
        return List.of(result);
    }

    private static int[] unsigned(byte[] bytes) {
        int[] result = new int[bytes.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = bytes[i] & 0xFF;
        }
        return result;
    }

    private Provenance provenance() {
        Map<String, String> settings = new TreeMap<>(CommonOptions.hashes("train", train));
        settings.putAll(CommonOptions.hashes("test", test));
        settings.put("order", String.valueOf(order));
        List<Path> inputs = tokenizer == null ? List.of() : List.of(tokenizer.resolve("tokenizer.json"));
        return Provenance.of(inputs, settings);
    }

    private static void print(PrintWriter out, Document document) {
        out.printf(
                "order %d over %s, vocabulary %d, trained on %d tokens%n",
                document.order(), document.tokenizer(), document.vocabulary(), document.trainTokens());
        for (Order order : document.orders()) {
            NgramModel.Discounts d = order.discounts();
            out.printf(
                    "  order %d: %d n-grams, discounts %.3f %.3f %.3f%s%n",
                    order.order(),
                    order.ngrams(),
                    d.one(),
                    d.two(),
                    d.more(),
                    d.estimated() ? "" : " (by default: too few n-grams to estimate them)");
        }
        List<Text> texts = new ArrayList<>(document.texts());
        if (texts.size() > 1) {
            texts.add(document.all());
        }
        out.println("bits per byte             per token                 bytes  text");
        for (Text text : texts) {
            out.printf(
                    "%8.4f +/- %.4f       %8.4f +/- %.4f %12d  %s%n",
                    text.bitsPerByte(),
                    text.bitsPerByteStderr(),
                    text.bitsPerToken(),
                    text.bitsPerTokenStderr(),
                    text.bytes(),
                    text.file());
        }
        out.printf(
                "time  %.1f s (training %.1f s), peak memory %.2f GB%n",
                document.seconds(), document.trainSeconds(), document.peakMemoryBytes() / 1e9);
        out.flush();
    }
}
