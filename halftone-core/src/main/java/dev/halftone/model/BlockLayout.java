package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Attention;
import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.DecoderSpec.Mlp;
import dev.halftone.model.DecoderSpec.Names;
import dev.halftone.model.DecoderSpec.Projection;
import dev.halftone.model.Junction.LinearOutput;
import dev.halftone.model.Junction.NormOutput;
import dev.halftone.model.Junction.Opaque;
import dev.halftone.model.Junction.Producer;
import dev.halftone.model.LinearSite.Part;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** The linears of one block, stage by stage, and the junctions between them. */
final class BlockLayout {
    private final DecoderSpec spec;
    private final Attention attention;
    private final Mlp mlp;
    private final Names names;
    private final int index;
    private final String prefix;

    BlockLayout(DecoderSpec spec, int index) {
        this.spec = spec;
        this.attention = spec.attention();
        this.mlp = spec.mlp();
        this.names = spec.names();
        this.index = index;
        this.prefix = spec.blockName(index) + ".";
    }

    List<List<LinearSite>> stages() {
        Experts experts = spec.experts(index);
        return List.of(
                projections(),
                List.of(linear(names.output(), spec.hidden(), attention.queryWidth(), attention.outputBias())),
                experts == null ? up() : expertsUp(experts),
                experts == null
                        ? List.of(linear(names.down(), spec.hidden(), spec.intermediate(), mlp.bias()))
                        : expertsDown(experts));
    }

    private List<LinearSite> projections() {
        int q = attention.queryWidth();
        int kv = attention.keyWidth();
        List<String> qkv = names.qkv();
        boolean bias = attention.qkvBias();
        return attention.projection() == Projection.SEPARATE
                ? List.of(
                        linear(qkv.get(0), q, spec.hidden(), bias),
                        linear(qkv.get(1), kv, spec.hidden(), bias),
                        linear(qkv.get(2), kv, spec.hidden(), bias))
                : List.of(linear(qkv.getFirst(), q + 2 * kv, spec.hidden(), bias));
    }

    private List<LinearSite> up() {
        int rows = fusedUp() ? 2 * spec.intermediate() : spec.intermediate();
        return names.up().stream()
                .map(name -> linear(name, rows, spec.hidden(), mlp.bias()))
                .toList();
    }

    private boolean fusedUp() {
        return mlp.gated() && names.up().size() == 1;
    }

    private List<LinearSite> expertsUp(Experts experts) {
        List<LinearSite> all = new ArrayList<>();
        all.add(routed(experts.router(), experts.count(), spec.hidden(), Part.ROUTER, 0));
        if (!experts.sharedGate().isEmpty()) {
            all.add(routed(experts.sharedGate(), 1, spec.hidden(), Part.ROUTER, 0));
        }
        for (int e = 0; e < experts.count(); e++) {
            String expert = experts.expert().formatted(e) + ".";
            all.add(routed(expert + experts.gate(), experts.width(), spec.hidden(), Part.EXPERT, e));
            all.add(routed(expert + experts.up(), experts.width(), spec.hidden(), Part.EXPERT, e));
        }
        if (experts.sharedWidth() > 0) {
            String shared = experts.shared() + ".";
            all.add(routed(shared + experts.gate(), experts.sharedWidth(), spec.hidden(), Part.SHARED, 0));
            all.add(routed(shared + experts.up(), experts.sharedWidth(), spec.hidden(), Part.SHARED, 0));
        }
        return all;
    }

    private List<LinearSite> expertsDown(Experts experts) {
        List<LinearSite> all = new ArrayList<>();
        for (int e = 0; e < experts.count(); e++) {
            String name = experts.expert().formatted(e) + "." + experts.down();
            all.add(routed(name, spec.hidden(), experts.width(), Part.EXPERT, e));
        }
        if (experts.sharedWidth() > 0) {
            String name = experts.shared() + "." + experts.down();
            all.add(routed(name, spec.hidden(), experts.sharedWidth(), Part.SHARED, 0));
        }
        return all;
    }

    private LinearSite linear(String name, int out, int in, boolean bias) {
        return new LinearSite(prefix + name + ".weight", out, in, bias, spec.inputMajor());
    }

    private LinearSite routed(String name, int out, int in, Part part, int expert) {
        return new LinearSite(prefix + name + ".weight", out, in, false, false, part, expert);
    }

    List<Junction> junctions() {
        List<List<LinearSite>> stages = stages();
        List<Junction> all = new ArrayList<>();
        List<LinearSite> attentionReaders = spec.sharedNorm()
                ? Stream.concat(stages.get(0).stream(), stages.get(2).stream()).toList()
                : stages.get(0);
        all.add(new Junction(0, spec.hidden(), norm(names.attentionNorm()), attentionReaders));
        all.add(new Junction(1, attention.queryWidth(), values(stages.get(0).getLast()), stages.get(1)));
        if (!spec.sharedNorm()) {
            all.add(new Junction(2, spec.hidden(), norm(names.mlpNorm()), stages.get(2)));
        }
        for (List<LinearSite> group : LinearSite.groups(stages.get(3))) {
            LinearSite down = group.getFirst();
            all.add(new Junction(3, down.in(), hidden(stages.get(2), down), group));
        }
        return all;
    }

    private Producer norm(String name) {
        return spec.postNorm()
                ? new Opaque("the residual stream itself")
                : new NormOutput(prefix + name, spec.norm().offset());
    }

    /** The attention's output is a mean of values, per head. */
    private Producer values(LinearSite site) {
        if (attention.clip() > 0) {
            return new Opaque("values are clipped");
        }
        int[] rows = new int[attention.queryWidth()];
        int share = attention.share();
        int dim = attention.headDim();
        for (int c = 0; c < rows.length; c++) {
            int head = c / dim / share;
            int first = switch (attention.projection()) {
                case SEPARATE -> head * dim;
                case STACKED -> attention.queryWidth() + attention.keyWidth() + head * dim;
                case GROUPED -> (head * (share + 2) + share + 1) * dim;
            };
            rows[c] = first + c % dim;
        }
        return new LinearOutput(site, rows);
    }

    /** What makes the input of an MLP's last linear. */
    private Producer hidden(List<LinearSite> up, LinearSite down) {
        if (!mlp.gated() && mlp.activation() != Activation.RELU) {
            return new Opaque("the activation does not commute with a scale");
        }
        LinearSite maker = up.stream()
                .filter(site -> site.part() == down.part() && site.expert() == down.expert())
                .toList()
                .getLast();
        int first = fusedUp() && down.part() == Part.DENSE ? down.in() : 0;
        return new LinearOutput(maker, IntStream.range(first, first + down.in()).toArray());
    }
}
