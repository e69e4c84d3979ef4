package dev.halftone.runtime;

import dev.halftone.format.ModelFile;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.HeadNorm;
import dev.halftone.model.DecoderSpec.Learned;
import dev.halftone.model.LinearSite;
import dev.halftone.model.LinearSite.Part;
import dev.halftone.runtime.DecoderWeights.ExpertWeights;
import dev.halftone.runtime.DecoderWeights.Layer;
import dev.halftone.runtime.Linears.Linear;
import dev.halftone.tensor.Workers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Reads a model's weights into the layouts of the kernels, blocks side by side. */
final class WeightLoader {
    private final ModelFile file;
    private final DecoderSpec spec;
    private final MatrixFactory matrices;
    private final int threads;

    WeightLoader(ModelFile file, MatrixFactory matrices, int threads) {
        this.file = file;
        this.spec = file.spec();
        this.matrices = matrices;
        this.threads = threads;
    }

    DecoderWeights load() {
        DecoderSpec.Names names = spec.names();
        ModelMatrix embedding = ModelMatrix.of(file, names.embedding() + ".weight", false);
        ModelMatrix head = spec.embedding().tied() ? embedding : ModelMatrix.of(file, names.head() + ".weight", false);
        boolean learned = spec.attention().positions() instanceof Learned;
        return new DecoderWeights(
                embedding,
                spec.projected() ? outer(names.projectIn()) : null,
                learned ? ModelMatrix.of(file, names.positions() + ".weight", false) : null,
                names.tokenTypes().isEmpty() ? new float[0] : tokenType(names.tokenTypes()),
                names.embeddingNorm().isEmpty() ? null : norm(names.embeddingNorm()),
                layers(),
                spec.finalNorm() ? norm(names.finalNorm()) : null,
                spec.projected() ? outer(names.projectOut()) : null,
                linears(List.of(new Linear(
                        matrices.matrix(head), bias(names.head(), spec.head().bias())))));
    }

    private float[] tokenType(String name) {
        float[] row = new float[spec.hidden()];
        ModelMatrix.of(file, name + ".weight", false).decodeRow(0, row);
        return row;
    }

    private List<Layer> layers() {
        Layer[] layers = new Layer[spec.layers()];
        try (Workers workers = Workers.withoutTorch(threads)) {
            workers.forEach(layers.length, i -> layers[i] = layer(i));
        }
        return List.of(layers);
    }

    private Layer layer(int index) {
        DecoderSpec.Names names = spec.names();
        String block = spec.blockName(index) + ".";
        List<List<LinearSite>> stages = spec.stages(index);
        Experts experts = spec.experts(index);
        HeadNorm kind = spec.attention().headNorm();
        Attention attention = spec.attention();
        return new Layer(
                index,
                blockNorm(block, names.attentionNorm()),
                blockNorm(block, names.attentionOutputNorm()),
                blockNorm(block, names.mlpNorm()),
                blockNorm(block, names.mlpOutputNorm()),
                kind == HeadNorm.NONE ? null : headNorm(block, names.queryNorm(), attention.heads()),
                kind == HeadNorm.NONE ? null : headNorm(block, names.keyNorm(), attention.kvHeads()),
                sites(stages.get(0)),
                sites(stages.get(1)),
                experts == null ? sites(stages.get(2)) : null,
                experts == null ? sites(stages.get(3)) : null,
                experts == null ? null : experts(experts, stages.get(2), stages.get(3)));
    }

    private ExpertWeights experts(Experts experts, List<LinearSite> first, List<LinearSite> second) {
        boolean shared = experts.sharedWidth() > 0;
        return new ExpertWeights(
                part(first, site -> site.part() == Part.ROUTER),
                each(experts.count(), first),
                each(experts.count(), second),
                shared ? part(first, site -> site.part() == Part.SHARED) : null,
                shared ? part(second, site -> site.part() == Part.SHARED) : null,
                experts.perToken());
    }

    private List<Linears> each(int count, List<LinearSite> stage) {
        return IntStream.range(0, count)
                .mapToObj(e -> part(stage, site -> site.part() == Part.EXPERT && site.expert() == e))
                .toList();
    }

    private Linears part(List<LinearSite> stage, Predicate<LinearSite> which) {
        return sites(stage.stream().filter(which).toList());
    }

    private Linears sites(List<LinearSite> sites) {
        return linears(sites.stream()
                .map(site -> new Linear(
                        matrices.matrix(ModelMatrix.of(file, site.weight(), site.inputMajor())),
                        bias(site.module(), site.bias())))
                .toList());
    }

    private Linears outer(String name) {
        return linears(
                List.of(new Linear(matrices.matrix(ModelMatrix.of(file, name + ".weight", false)), new float[0])));
    }

    private Linears linears(List<Linear> members) {
        return new Linears(members, threads);
    }

    private float[] bias(String module, boolean there) {
        return there ? ModelMatrix.vector(file, module + ".bias") : new float[0];
    }

    private @Nullable RowNorm blockNorm(String block, String name) {
        return name.isEmpty() ? null : norm(block + name);
    }

    private RowNorm norm(String name) {
        return new RowNorm(spec.norm().rms(), gain(name), bias(name, spec.norm().bias()), (float)
                spec.norm().eps());
    }

    /** Of all heads, one after the other where each has its own. */
    private RowNorm headNorm(String block, String name, int heads) {
        List<String> all = name.contains("%d")
                ? IntStream.range(0, heads).mapToObj(name::formatted).toList()
                : List.of(name);
        List<float[]> gains = new ArrayList<>();
        all.forEach(each -> gains.add(gain(block + each)));
        int length = gains.getFirst().length;
        float[] joined = new float[length * gains.size()];
        for (int i = 0; i < gains.size(); i++) {
            System.arraycopy(gains.get(i), 0, joined, i * length, length);
        }
        boolean rms = spec.attention().headNorm() != HeadNorm.LAYER;
        return new RowNorm(rms, joined, new float[0], (float) spec.norm().eps());
    }

    private float[] gain(String name) {
        float[] gain = ModelMatrix.vector(file, name + ".weight");
        float[] moved = Arrays.copyOf(gain, gain.length);
        for (int i = 0; i < moved.length; i++) {
            moved[i] = (float) (gain[i] + spec.norm().offset());
        }
        return moved;
    }
}
