package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.Checkpoints;
import dev.halftone.checkpoint.GgufCheckpoint;
import dev.halftone.checkpoint.OnnxCheckpoint;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.format.gguf.BlockLayout;
import dev.halftone.format.gguf.BlockWeight;
import dev.halftone.model.CheckpointWeights;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.Families;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.LinearSite;
import dev.halftone.model.OutlierInjection;
import dev.halftone.model.WeightSource;
import dev.halftone.tensor.Compute;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/** A language model on disk, plain or packed: what MODEL means on the command line. */
public final class ModelFile implements AutoCloseable {
    /** For the help of commands. */
    public static final String NAMES =
            "Hugging Face directory, .gguf file, .onnx file or .jar of an encoder, OWNER/NAME that was pulled, or zoo:NAME; +outliers(g=40,channels=6) behind it"
                    + " injects outlier channels";

    private final Checkpoint checkpoint;
    private final DecoderSpec spec;
    private final WeightSource weights;

    private final String transform;
    private final LinearInputs inputs;
    private final CacheQuantization cache;

    private ModelFile(
            Checkpoint checkpoint,
            DecoderSpec spec,
            WeightSource weights,
            LinearInputs inputs,
            CacheQuantization cache,
            String transform) {
        this.inputs = inputs;
        this.cache = cache;
        this.transform = transform;
        this.checkpoint = checkpoint;
        this.spec = spec;
        this.weights = weights;
    }

    /** Opens a path. */
    public static ModelFile open(Path model) {
        return open(model.toString());
    }

    /**
     * Opens a Hugging Face directory, a directory that Halftone wrote, or a GGUF file, and checks that all tensors are there.
     * Where there is no such path, it may be the name of a model in the hub cache ({@code OWNER/NAME[@REVISION]}), or {@code
     * zoo:NAME}. With {@code +outliers(g=40,channels=6)} behind it, see {@link OutlierInjection}.
     *
     * @throws InputException HT-2xx for a broken file, HT-3xx for a model that cannot be run
     */
    public static ModelFile open(String model) {
        ModelName name = ModelName.parse(model);
        Path path = name.locate();
        Checkpoint checkpoint = Checkpoints.open(path);
        try {
            String place = path.toString();
            DecoderSpec spec = Families.read(checkpoint.config(), checkpoint.names(), place);
            OutlierInjection injection = name.injection();
            if (injection != null) {
                checkpoint = injection.inject(checkpoint, spec);
            }
            WeightSource weights = weights(checkpoint, place);
            Decoder.checkTensors(spec, weights, place);
            LinearInputs inputs = inputs(checkpoint, spec, place);
            CacheQuantization cache = PackedLayout.isPacked(checkpoint.config())
                    ? PackedCache.read(checkpoint.config(), spec, place)
                    : CacheQuantization.NONE;
            return new ModelFile(
                    checkpoint, spec, weights, inputs, cache, injection == null ? "" : injection.toString());
        } catch (RuntimeException e) {
            checkpoint.close();
            throw e;
        }
    }

    private static LinearInputs inputs(Checkpoint checkpoint, DecoderSpec spec, String place) {
        if (PackedLayout.isPacked(checkpoint.config())) {
            return PackedInputs.read(checkpoint, Decoder.linears(spec), place);
        }
        return PackedLayout.method(checkpoint.config()).equals("compressed-tensors")
                ? CompressedTensorsInputs.read(checkpoint, Decoder.linears(spec))
                : LinearInputs.PLAIN;
    }

    private static WeightSource weights(Checkpoint checkpoint, String place) {
        if (PackedLayout.isPacked(checkpoint.config())) {
            return new PackedWeights(checkpoint, place);
        }
        if (!PackedLayout.method(checkpoint.config()).isEmpty()) {
            Optional<Map<String, PackedWeight>> foreign = ForeignWeights.read(checkpoint, place);
            if (foreign.isPresent()) {
                return new PackedWeights(checkpoint, foreign.get());
            }
            throw new InputException(
                    "HT-305",
                    place,
                    "is already quantized (" + CarriedQuantization.describe(checkpoint)
                            + "), in a layout this build does not read",
                    "use the model it was made from");
        }
        return new CheckpointWeights(checkpoint);
    }

    public Path path() {
        return checkpoint.path();
    }

    public Checkpoint checkpoint() {
        return checkpoint;
    }

    /** What was done to the weights while they are read, such as "outliers(g=40,channels=6,seed=1)"; empty for nothing. */
    public String transform() {
        return transform;
    }

    public DecoderSpec spec() {
        return spec;
    }

    /** How the inputs of the linears are quantized. */
    public LinearInputs inputs() {
        return inputs;
    }

    /** True if the inputs of some linears are quantized, or divided channel by channel. */
    public boolean changesInputs() {
        return inputs instanceof InputRounding rounding
                ? !rounding.formats().isEmpty() || !rounding.scales().isEmpty()
                : !inputs.equals(LinearInputs.PLAIN);
    }

    /** How keys and values are quantized. */
    public CacheQuantization cache() {
        return cache;
    }

    public WeightSource weights() {
        return weights;
    }

    /** A packed weight as it is stored; empty if the weight is none. */
    public Optional<StoredWeight> storedWeight(String name) {
        return weights instanceof PackedWeights packed
                ? Optional.ofNullable(packed.packed().get(name))
                : Optional.empty();
    }

    /** A packed weight of one number format and nothing else; empty if the weight is none. */
    public Optional<PackedWeight> packedWeight(String name) {
        return storedWeight(name).filter(PackedWeight.class::isInstance).map(PackedWeight.class::cast);
    }

    /** A weight in blocks of a GGUF type that Halftone filled; empty if the weight is none. */
    public Optional<BlockWeight> blocks(String name) {
        return weights instanceof PackedWeights packed
                ? Optional.ofNullable(packed.blocks().get(name))
                : Optional.empty();
    }

    /**
     * A linear weight or an embedding in the blocks of a GGUF type, (out, in) with rows in Hugging Face order: of a GGUF file, or filled
     * by Halftone; empty if it is stored in another way.
     *
     * @param inputMajor a plain checkpoint's tensor is (in, out)
     */
    public Optional<BlockWeight> blockWeight(String name, boolean inputMajor) {
        if (weights instanceof PackedWeights packed) {
            return Optional.ofNullable(packed.blocks().get(name));
        }
        StoredTensor stored = checkpoint.tensor(name);
        Optional<BlockLayout> layout = Arrays.stream(BlockLayout.values())
                .filter(known -> known.type().name().equals(stored.type()))
                .findFirst();
        int out = Math.toIntExact(inputMajor ? stored.columns() : stored.rows());
        int in = Math.toIntExact(inputMajor ? stored.rows() : stored.columns());
        return layout.flatMap(known -> stored.outputRows().map(bytes -> new BlockWeight(known, out, in, bytes)));
    }

    /** True if Halftone filled blocks of GGUF types. */
    public boolean hasBlocks() {
        return weights instanceof PackedWeights packed && !packed.blocks().isEmpty();
    }

    /** True if Halftone packed the weights. */
    public boolean packed() {
        return PackedLayout.isPacked(checkpoint.config());
    }

    /** True if another tool packed the weights, in a layout that this build reads. */
    public boolean foreign() {
        return weights instanceof PackedWeights && !packed();
    }

    /** The quantization that the file already carries, in words; "none" for plain floats. */
    public String quantization() {
        return CarriedQuantization.describe(checkpoint);
    }

    /** Loads embedding and head; blocks come one by one. The caller closes it before this file. */
    public Decoder decoder(Compute compute) {
        return new Decoder(spec, weights, compute, inputs, cache, path().toString());
    }

    /** The model's own tokenizer. The caller closes it. */
    public TextTokenizer tokenizer() {
        return switch (checkpoint) {
            case GgufCheckpoint gguf -> TextTokenizer.fromGguf(gguf.metadata(), path().toString());
            case OnnxCheckpoint onnx -> TextTokenizer.fromJson(onnx.tokenizer(), path());
            default -> TextTokenizer.fromDirectory(path());
        };
    }

    /** Parameters of the whole model, tied ones once. */
    public long parameters() {
        long sum = 0;
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            sum += elements(tensor.shape());
        }
        return sum;
    }

    /** Stored bits per parameter of all tensors that the model uses. */
    public double bitsPerParameter() {
        long bytes = 0;
        for (Decoder.Expected tensor : Decoder.tensors(spec)) {
            bytes += weights.storedBytes(tensor.name());
        }
        return 8.0 * bytes / parameters();
    }

    /** Stored bits per weight of the linears inside the blocks: the papers' figure. */
    public double bitsPerLinearWeight() {
        long bytes = 0;
        long elements = 0;
        for (LinearSite site : Decoder.linears(spec)) {
            bytes += weights.storedBytes(site.weight());
            elements += (long) site.out() * site.in();
        }
        return 8.0 * bytes / elements;
    }

    private static long elements(long[] shape) {
        long product = 1;
        for (long dimension : shape) {
            product *= dimension;
        }
        return product;
    }

    @Override
    public void close() {
        checkpoint.close();
    }
}
