package dev.halftone.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.FamilyFixtures;
import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.SafetensorsFile;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Small random models with the logits that public implementations give for them. */
class DecoderFixturesTest {
    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#names")
    void logitsEqualTheReferenceImplementations(String fixture) {
        with(fixture, (decoder, expected) -> {
            List<String> sites = new ArrayList<>();
            float[] actual = Tensors.floats(decoder.forward(ids(expected), (site, _) -> sites.add(site)));
            assertClose(actual, floats(expected.tensor("logits")), 1e-4f);
            String block = decoder.spec().blockName(1);
            assertThat(sites).doesNotHaveDuplicates().contains(block + ".attention.q_rope", block + ".output");
            for (LinearSite site : Decoder.linears(decoder.spec())) {
                // Of the experts, only those that some token got.
                if (site.part() != LinearSite.Part.EXPERT) {
                    assertThat(sites).contains(site.input(), site.output());
                }
            }
        });
    }

    /** But for tables that depend on the length of the whole text. */
    static Stream<String> steppable() {
        return FamilyFixtures.names().filter(name -> !name.equals("llama_dynamic") && !name.equals("phi3_longrope"));
    }

    @ParameterizedTest
    @MethodSource("steppable")
    void stepByStepDecodingEqualsTheWholePass(String fixture) {
        with(fixture, (decoder, expected) -> {
            int[] ids = ids(expected);
            float[] whole = Tensors.floats(decoder.forward(ids, SiteObserver.NONE));
            int vocabulary = decoder.spec().embedding().vocabulary();
            decoder.keepBlocks();
            try (KeyValueCache cache = new PlainCache(decoder.spec(), decoder.compute(), ids.length)) {
                // A piece of several tokens, then one by one.
                int done = 0;
                for (int end : new int[] {4, 7, 8, 9, 10, 11, 12, 13}) {
                    float[] piece = Tensors.floats(
                            decoder.forwardCached(Arrays.copyOfRange(ids, done, end), cache, SiteObserver.NONE));
                    assertClose(
                            piece, Arrays.copyOfRange(whole, done * vocabulary, end * vocabulary), tolerance(fixture));
                    done = end;
                }
                assertThat(cache.length()).isEqualTo(ids.length);
            }
        });
    }

    /**
     * Of all fixtures but one at most 6e-6 was seen. That of Phi-3 enlarges roundings: its whole pass is 1.6e-5 away from
     * transformers', and two copies of the text in one batch, which only sum in another order, differ by 2.9e-5 from the text
     * alone; its steps by 1.1e-5.
     */
    private static float tolerance(String fixture) {
        return fixture.equals("phi3") ? 2e-5f : 1e-5f;
    }

    @ParameterizedTest
    @MethodSource("dev.halftone.FamilyFixtures#names")
    void aLeftPaddedSequenceEqualsTheOneAlone(String fixture) {
        with(fixture, (decoder, expected) -> {
            int[] ids = ids(expected);
            int padding = 5;
            int[] padded = new int[ids.length + padding];
            System.arraycopy(ids, 0, padded, padding, ids.length);
            float[] alone = Tensors.floats(decoder.forward(ids, SiteObserver.NONE));
            Tensor logits = decoder.forwardPadded(padded, padding, SiteObserver.NONE);
            assertClose(Tensors.floats(Tensors.slice(logits, 0, padding, padded.length)), alone, 1e-5f);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama", "mistral", "opt", "bloom6h", "falcon_rw", "gemma2", "gemma3"})
    void attentionProbabilitiesAddUpToOneAndRespectTheWindow(String fixture) {
        with(fixture, (decoder, expected) -> {
            DecoderSpec.Attention attention = decoder.spec().attention();
            List<float[]> seen = new ArrayList<>();
            int[] ids = ids(expected);
            decoder.forward(ids, new SiteObserver() {
                @Override
                public void observe(String site, Tensor value) {
                    if (site.endsWith(".attention.probabilities")) {
                        seen.add(Tensors.floats(value));
                    }
                }

                @Override
                public boolean probabilities() {
                    return true;
                }
            });
            assertThat(seen).hasSize(decoder.spec().layers());
            int n = ids.length;
            for (int layer = 0; layer < seen.size(); layer++) {
                float[] p = seen.get(layer);
                int window = attention.local(layer) ? attention.window() : 0;
                for (int row = 0; row < p.length / n; row++) {
                    int query = row % n;
                    float sum = 0;
                    for (int key = 0; key < n; key++) {
                        float share = p[row * n + key];
                        sum += share;
                        if (key > query || (window > 0 && query - key >= window)) {
                            assertThat(share).isZero();
                        }
                    }
                    assertThat(sum).isCloseTo(1, within(1e-5f));
                }
            }
        });
    }

    @Test
    void bfloat16StaysNearFloat32() {
        Path directory = FamilyFixtures.directory("llama");
        try (SafetensorsFile expected = SafetensorsFile.open(directory.resolve("expected.safetensors"));
                Checkpoint checkpoint = Checkpoints.open(directory);
                Decoder decoder = decoder(checkpoint, Compute.of(ComputeType.BFLOAT16))) {
            Torch.inScope(() -> assertClose(
                    Tensors.floats(decoder.forward(ids(expected), SiteObserver.NONE)),
                    floats(expected.tensor("logits")),
                    0.15f));
        }
    }

    private static void with(String fixture, BiConsumer<Decoder, SafetensorsFile> body) {
        Path directory = FamilyFixtures.directory(fixture);
        try (SafetensorsFile expected = SafetensorsFile.open(directory.resolve("expected.safetensors"));
                Checkpoint checkpoint = Checkpoints.open(directory);
                Decoder decoder = decoder(checkpoint, Compute.FLOAT32)) {
            Torch.inScope(() -> body.accept(decoder, expected));
        }
    }

    private static Decoder decoder(Checkpoint checkpoint, Compute type) {
        String place = checkpoint.path().toString();
        return new Decoder(
                Families.read(checkpoint.config(), checkpoint.names(), place),
                new CheckpointWeights(checkpoint),
                type,
                place);
    }

    private static void assertClose(float[] actual, float[] expected, float tolerance) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= tolerance)) {
                assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(tolerance));
            }
        }
    }

    private static int[] ids(SafetensorsFile expected) {
        float[] values = floats(expected.tensor("ids"));
        int[] ids = new int[values.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) values[i];
        }
        return ids;
    }

    private static float[] floats(StoredTensor tensor) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment decoded = arena.allocate(tensor.elements() * Float.BYTES);
            tensor.decode(0, tensor.rows(), decoded);
            return decoded.toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
