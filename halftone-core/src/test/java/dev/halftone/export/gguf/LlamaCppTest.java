package dev.halftone.export.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import de.kherud.llama.ModelParameters;
import dev.halftone.FamilyFixtures;
import dev.halftone.format.ModelFile;
import dev.halftone.format.gguf.Mixture;
import dev.halftone.model.Decoder;
import dev.halftone.model.KeyValueCache;
import dev.halftone.model.PlainCache;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** llama.cpp itself, through its Java binding, opens what was exported and says what Halftone says. */
class LlamaCppTest {
    private static final String PROMPT = "The President said that";

    /** Fixtures know small letters only. */
    private static final String SMALL_PROMPT = "the president said that";

    /** Few: two logits that are nearly equal may change places in llama.cpp, which rounds activations to 8 bits. */
    private static final int TOKENS = 12;

    @TempDir
    private Path temporary = Path.of("");

    @ParameterizedTest
    @EnumSource(
            value = Mixture.class,
            names = {"MOSTLY_Q4_0", "MOSTLY_Q8_0", "MOSTLY_Q4_K_M"})
    void aGreedyTextIsTheSame(Mixture mixture) throws IOException, InterruptedException, URISyntaxException {
        Path file = temporary.resolve("nano.gguf");
        try (ModelFile model = ModelFile.open("zoo:llama-nano");
                Workers workers = new Workers(2)) {
            GgufExport.write(model, mixture, null, file, workers, (_, _) -> {});
        }
        assertThat(llamaCpp(file, PROMPT)).isEqualTo(halftone(file, PROMPT));
    }

    /**
     * Rows sorted anew, gains with their one, experts in one tensor, a dense layer before them: the same text. Other families are
     * compared by perplexity ({@code tools/check_gguf_families.py}): random weights soon say bytes that are no text.
     */
    @ParameterizedTest
    @ValueSource(strings = {"falcon40", "gemma", "mixtral", "deepseek"})
    void familiesSayTheSame(String fixture) throws IOException, InterruptedException, URISyntaxException {
        Path directory = FamilyFixtures.withBytes(fixture, temporary.resolve(fixture));
        Path file = temporary.resolve(fixture + ".gguf");
        try (ModelFile model = ModelFile.open(directory);
                Workers workers = new Workers(2)) {
            GgufExport.write(model, Mixture.ALL_F32, null, file, workers, (_, _) -> {});
        }
        assertThat(llamaCpp(file, SMALL_PROMPT)).isEqualTo(halftone(directory, SMALL_PROMPT));
    }

    /** The most likely token again and again, with float32 activations. */
    private static String halftone(Path file, String prompt) {
        try (ModelFile model = ModelFile.open(file);
                Decoder decoder = model.decoder(Compute.FLOAT32);
                TextTokenizer tokenizer = model.tokenizer()) {
            decoder.keepBlocks();
            int[] next = tokens(tokenizer, prompt);
            int[] said = new int[TOKENS];
            try (KeyValueCache cache = new PlainCache(model.spec(), Compute.FLOAT32, next.length + TOKENS)) {
                for (int i = 0; i < TOKENS; i++) {
                    said[i] = mostLikely(decoder, next, cache);
                    next = new int[] {said[i]};
                }
            }
            return tokenizer.decode(said);
        }
    }

    /** As llama.cpp begins a text. */
    private static int[] tokens(TextTokenizer tokenizer, String prompt) {
        IntStream text = IntStream.of(tokenizer.encode(prompt));
        return (tokenizer.addsBos() ? IntStream.concat(IntStream.of(tokenizer.bosId()), text) : text).toArray();
    }

    private static int mostLikely(Decoder decoder, int[] ids, KeyValueCache cache) {
        float[] logits = new float[decoder.spec().embedding().vocabulary()];
        Torch.inScope(() -> Tensors.read(
                Tensors.slice(decoder.forwardCached(ids, cache, SiteObserver.NONE), 0, ids.length - 1L, ids.length),
                logits));
        int best = 0;
        for (int token = 1; token < logits.length; token++) {
            best = logits[token] > logits[best] ? token : best;
        }
        return best;
    }

    private String llamaCpp(Path file, String prompt) throws IOException, InterruptedException, URISyntaxException {
        Path library = Path.of(ModelParameters.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        Path classes = Path.of(LlamaCppGreedy.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toURI());
        // The library deletes what it takes for its own leftovers in the directory that it is unpacked into.
        Path unpacked = Files.createDirectory(temporary.resolve("library"));
        Path log = temporary.resolve("log.txt");
        Path out = temporary.resolve("said.txt");
        Process process = new ProcessBuilder(List.of(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "--enable-native-access=ALL-UNNAMED",
                        "-Djava.io.tmpdir=" + unpacked,
                        "-cp",
                        library + System.getProperty("path.separator") + classes,
                        LlamaCppGreedy.class.getName(),
                        file.toString(),
                        prompt,
                        Integer.toString(TOKENS)))
                .redirectOutput(out.toFile())
                .redirectError(log.toFile())
                .start();
        try {
            assertThat(process.waitFor(2, TimeUnit.MINUTES))
                    .as("llama.cpp came to an end")
                    .isTrue();
        } finally {
            process.destroyForcibly();
        }
        Assumptions.assumeFalse(
                process.exitValue() == LlamaCppGreedy.CANNOT_LOAD,
                () -> "llama.cpp's Java binding has no native library that loads here");
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        String hex = Files.readAllLines(out).stream()
                .filter(line -> line.startsWith(LlamaCppGreedy.MARK))
                .findFirst()
                .orElseThrow()
                .substring(LlamaCppGreedy.MARK.length());
        return new String(HexFormat.of().parseHex(hex), StandardCharsets.UTF_8);
    }
}
