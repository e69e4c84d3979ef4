package dev.halftone.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.FamilyFixtures;
import dev.halftone.TinyModel;
import dev.halftone.calibration.Gram;
import dev.halftone.calibration.GramService;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.format.ModelWriter;
import dev.halftone.format.StoredPart;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.LinearSite;
import dev.halftone.model.Rope;
import dev.halftone.model.Sequences;
import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.Site.Kind;
import dev.halftone.statistics.StatisticsService.Options;
import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class StatisticsServiceTest {
    private static final Options OPTIONS = new Options(new Limits(6, 512), 3, 1);

    @TempDir
    private Path directory = Path.of("");

    private Path model = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModel.write(directory.resolve("tiny"), 1);
    }

    @Test
    void everySiteSeesEveryTokenAndPositionZeroIsApart() {
        ModelStatistics statistics = run(sequences(5, 1), "a", 2);
        assertThat(statistics.sites()).hasSize(20);
        for (SiteStatistics site : statistics.sites()) {
            assertThat(site.first().totals().tokens()).as(site.site().name()).isEqualTo(5);
            assertThat(site.rest().totals().tokens())
                    .isEqualTo(statistics.source().tokens() - 5);
            assertThat(site.all().histogram().count())
                    .isEqualTo(statistics.source().tokens() * site.site().channels());
            assertThat(site.positions().largest()[0])
                    .isEqualTo(TensorMetrics.of(site.first()).absmax());
        }
        for (BlockStatistics block : statistics.blocks()) {
            assertThat(block.massive().sequences()).isEqualTo(5);
            assertThat(block.sinks().queries()).isEqualTo(12 + 1 + 2);
            for (int h = 0; h < block.sinks().heads(); h++) {
                double sum = 0;
                for (int key = 0; key < AttentionSinks.KEYS; key++) {
                    sum += block.sinks().alpha(h, key);
                }
                assertThat(sum).isBetween(0.1, 1.0);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#names")
    void everyFamilyShowsItsSites(String fixture) {
        List<int[]> sequences = List.of(new int[] {1, 5, 9, 3, 7, 2, 8, 4, 6, 11}, new int[] {3, 1});
        try (ModelFile file = ModelFile.open(FamilyFixtures.directory(fixture));
                Workers workers = new Workers(1);
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            ModelStatistics statistics = new StatisticsService(decoder, OPTIONS, workers)
                    .of(sequences, "model", "set", directory, (_, _) -> {});
            DecoderSpec spec = file.spec();
            int attention = spec.attention().positions() instanceof Rope ? 9 : 7;
            int expected = 0;
            for (int i = 0; i < spec.layers(); i++) {
                expected += attention + LinearSite.groups(spec.stages(i).get(3)).size();
            }
            assertThat(statistics.sites()).hasSize(expected);
            Map<Integer, Long> routed = new TreeMap<>();
            for (SiteStatistics site : statistics.sites()) {
                long tokens = site.all().totals().tokens();
                if (site.site().kind() == Kind.EXPERT_INPUT) {
                    routed.merge(site.site().block(), tokens, Long::sum);
                } else {
                    assertThat(tokens).as(site.site().name()).isEqualTo(12);
                    assertThat(TensorMetrics.of(site.all()).rms()).isPositive();
                }
            }
            DecoderSpec.Experts experts = spec.mlp().experts();
            routed.forEach((_, tokens) -> assertThat(tokens).isEqualTo(experts == null ? 0 : 12 * experts.perToken()));
        }
    }

    @Test
    void importanceIsTheDiagonalOfHAndTheResidualIsTheOneThatLeavesTheBlock() {
        List<int[]> sequences = sequences(4, 2);
        ModelStatistics statistics = run(sequences, "a", 1);
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(1);
                Decoder decoder = file.decoder(Compute.FLOAT32);
                Sequences running = new Sequences(decoder, sequences, workers, directory);
                DecoderBlock block = decoder.block(0)) {
            Activations input = running.begin(block);
            Gram gram = GramService.of(input, workers);
            double[] importance =
                    statistics.sites(Kind.ATTENTION_INPUT).getFirst().all().importance();
            for (int c = 0; c < importance.length; c++) {
                assertThat(importance[c]).isCloseTo(gram.diagonal()[c], within(1e-5));
            }
            for (int stage = 0; stage < 4 && input != null; stage++) {
                input = running.advance(block, stage, input);
            }
            double[] largest = {0};
            for (int s = 0; s < sequences.size(); s++) {
                int sequence = s;
                Torch.inScope(() -> {
                    for (float value : Tensors.floats(running.residual(sequence))) {
                        largest[0] = Math.max(largest[0], Math.abs(value));
                    }
                });
            }
            TensorMetrics residual =
                    TensorMetrics.of(statistics.sites(Kind.RESIDUAL).getFirst().all());
            assertThat(residual.absmax()).isCloseTo(largest[0], within(1e-5));
            assertThat(residual.topValues().getFirst().token())
                    .isEqualTo(sequences
                            .get(residual.topValues().getFirst().sequence())[
                            residual.topValues().getFirst().position()]);
        }
    }

    @Test
    void theFileHasTheSameBytesForAnyNumberOfThreadsAndIsReadBackWhole() throws IOException {
        Path one = directory.resolve("one.safetensors");
        Path three = directory.resolve("three.safetensors");
        Path again = directory.resolve("again.safetensors");
        StatisticsFile.write(one, run(sequences(7, 3), "a", 1));
        StatisticsFile.write(three, run(sequences(7, 3), "a", 3));
        assertThat(Files.mismatch(one, three)).isEqualTo(-1);
        StatisticsFile.write(again, StatisticsFile.read(one));
        assertThat(Files.mismatch(one, again)).isEqualTo(-1);
    }

    @Test
    void shardsOfTheSequencesAddUpToTheWhole() {
        List<int[]> all = sequences(6, 4);
        ModelStatistics whole = run(all, "whole", 1);
        ModelStatistics left = run(all.subList(0, 2), "left", 1);
        ModelStatistics right = run(all.subList(2, 6), "right", 1);
        ModelStatistics merged = right.merged(left, "left");
        assertThat(merged.source().sets()).containsExactly("right", "left");
        assertThat(merged.source().tokens()).isEqualTo(whole.source().tokens());
        for (int i = 0; i < whole.sites().size(); i++) {
            Accumulator a = merged.sites().get(i).rest();
            Accumulator b = whole.sites().get(i).rest();
            assertThat(a.histogram().toArray()).isEqualTo(b.histogram().toArray());
            assertThat(a.channels().largest()).isEqualTo(b.channels().largest());
            assertThat(a.totals().moments().kurtosis() / b.totals().moments().kurtosis())
                    .isCloseTo(1, within(1e-12));
        }
        assertThat(merged.outlierChannels().channels(false))
                .isEqualTo(whole.outlierChannels().channels(false));
        assertThat(merged.blocks().get(1).massive().meanMedian())
                .isCloseTo(whole.blocks().get(1).massive().meanMedian(), within(1e-12));
        assertThat(left.source().tokens()).isLessThan(merged.source().tokens());
    }

    @Test
    void foreignDoubleAndDamagedStatisticsAreRefused() throws IOException {
        ModelStatistics a = run(sequences(2, 5), "a", 1);
        assertThatThrownBy(() -> a.merged(run(sequences(2, 5), "a", 1), "b"))
                .isInstanceOf(InputException.class)
                .hasMessageContaining("HT-642");
        ModelStatistics foreign = new ModelStatistics(
                new ModelStatistics.Source("other", List.of("b"), 2, 9), a.blocks(), a.outlierChannels());
        assertThatThrownBy(() -> a.merged(foreign, "b")).hasMessageContaining("HT-641");
        assertThatThrownBy(() -> StatisticsFile.read(model.resolve("model.safetensors")))
                .hasMessageContaining("HT-640")
                .hasMessageContaining("version none");
        Path file = directory.resolve("a.safetensors");
        StatisticsFile.write(file, a);
        byte[] bytes = Files.readAllBytes(file);
        String header = new String(bytes, 8, 2000, java.nio.charset.StandardCharsets.ISO_8859_1);
        bytes[8 + header.indexOf("\"6 512\"") + 1] = 'x';
        Files.write(file, bytes);
        assertThatThrownBy(() -> StatisticsFile.read(file)).hasMessageContaining("HT-640");
        Path nowhere = directory.resolve("missing").resolve("a.safetensors");
        assertThatThrownBy(() -> StatisticsFile.write(nowhere, a)).hasMessageContaining("HT-643");
    }

    /** The function stays, the inputs of q, k and v get an outlier channel: what the metrics must show, and where. */
    @Test
    void anInjectedChannelIsFoundAtTheSitesThatHaveItAndNowhereElse() throws IOException {
        List<int[]> sequences = sequences(6, 6);
        ModelStatistics before = run(sequences, "a", 1);
        inject(model.resolve("model.safetensors"), 5, 32);
        ModelStatistics after = run(sequences, "a", 1);
        for (int b = 0; b < 2; b++) {
            Accumulator plain = before.sites(Kind.ATTENTION_INPUT).get(b).all();
            Accumulator injected = after.sites(Kind.ATTENTION_INPUT).get(b).all();
            assertThat(injected.channels().largest()[5] / plain.channels().largest()[5])
                    .isCloseTo(32, within(1e-3f));
            TensorMetrics metrics = TensorMetrics.of(injected);
            assertThat(metrics.topChannels().getFirst().channel()).isEqualTo(5);
            assertThat(metrics.channelSpread()).isGreaterThan(15);
            assertThat(metrics.kurtosis()).isGreaterThan(15);
            assertThat(TensorMetrics.of(plain).kurtosis()).isLessThan(5);
            for (Kind kind : List.of(Kind.KEYS, Kind.MLP_INPUT, Kind.RESIDUAL)) {
                double expected =
                        TensorMetrics.of(before.sites(kind).get(b).all()).kurtosis();
                assertThat(TensorMetrics.of(after.sites(kind).get(b).all()).kurtosis())
                        .as(kind.label())
                        .isCloseTo(expected, within(1e-3));
            }
        }
        assertThat(before.outlierChannels().channels(true)).noneMatch(OutlierChannels.Channel::outlier);
        assertThat(after.outlierChannels().channels(true).stream().filter(OutlierChannels.Channel::outlier))
                .extracting(OutlierChannels.Channel::channel)
                .containsExactly(5);
    }

    /** Multiplies a channel of the attention norms, and divides the columns of the linears behind them. */
    private static void inject(Path file, int channel, float gain) throws IOException {
        List<StoredPart> parts = new ArrayList<>();
        try (SafetensorsFile stored = SafetensorsFile.open(file)) {
            for (String name : stored.names()) {
                StoredTensor tensor = stored.tensor(name);
                byte[] bytes = tensor.bytes().toArray(ValueLayout.JAVA_BYTE);
                FloatBuffer values =
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
                if (name.endsWith("input_layernorm.weight")) {
                    values.put(channel, values.get(channel) * gain);
                } else if (name.matches(".*\\.[qkv]_proj\\.weight")) {
                    for (int at = channel; at < values.capacity(); at += Math.toIntExact(tensor.columns())) {
                        values.put(at, values.get(at) / gain);
                    }
                }
                parts.add(new StoredPart(name, SafetensorsDtype.F32, tensor.shape(), MemorySegment.ofArray(bytes)));
            }
        }
        ModelWriter.writeFile(file, parts);
    }

    private ModelStatistics run(List<int[]> sequences, String set, int threads) {
        try (ModelFile file = ModelFile.open(model);
                Workers workers = new Workers(threads);
                Decoder decoder = file.decoder(Compute.FLOAT32)) {
            return new StatisticsService(decoder, OPTIONS, workers)
                    .of(sequences, "model", set, directory, (_, _) -> {});
        }
    }

    /** Lengths 20, but the second has 9 and the third 10. */
    private static List<int[]> sequences(int count, long seed) {
        Random random = new Random(seed);
        List<int[]> sequences = new ArrayList<>();
        for (int s = 0; s < count; s++) {
            int[] ids = new int[s == 1 ? 9 : s == 2 ? 10 : 20];
            Arrays.setAll(ids, _ -> random.nextInt(TinyModel.VOCABULARY));
            sequences.add(ids);
        }
        return sequences;
    }
}
