package dev.halftone.model;

import dev.halftone.model.DecoderSpec.Experts;
import dev.halftone.model.LinearSite.Part;
import dev.halftone.tensor.Compute;
import dev.halftone.tensor.Tensors;
import java.util.List;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The mixture of experts of one block, in the two halves that are stages: inputs to the hidden values of every token's experts,
 * and those to the sum. Between them lies (tokens, k * width + shared width): a token's slots side by side, behind them the shared
 * experts.
 *
 * <p>An expert sees its own tokens only; to one that gets none, nothing is shown.
 */
final class MixtureLayer {
    private final Experts experts;
    private final Activation activation;
    private final List<List<LinearSite>> first;
    private final List<List<LinearSite>> second;
    private final String prefix;
    private final Compute compute;
    private final Linears linears;

    /** The outputs of linears with a common input (rows, in). */
    @FunctionalInterface
    interface Linears {
        Tensor[] outputs(List<LinearSite> members, Tensor input, SiteObserver observer);
    }

    MixtureLayer(DecoderSpec spec, int index, Experts experts, Compute compute, Linears linears) {
        List<List<LinearSite>> stages = spec.stages(index);
        this.experts = experts;
        this.activation = spec.mlp().activation();
        this.first = LinearSite.groups(stages.get(2));
        this.second = LinearSite.groups(stages.get(3));
        this.prefix = spec.blockName(index) + ".";
        this.compute = compute;
        this.linears = linears;
    }

    /** Asks the router; x (tokens, hidden). */
    Routing route(Tensor x, SiteObserver observer) {
        int k = experts.perToken();
        Tensor[] routers = linears.outputs(first.getFirst(), x, observer);
        Tensor p = routers[0].to(ScalarType.Float).softmax(1);
        observer.observe(prefix + "router.probabilities", p);
        var top = p.topk(k, 1, true, true);
        Tensor weights = top.get0();
        if (experts.normalized()) {
            weights = weights.div(weights.sum(new long[] {1}, true, new ScalarTypeOptional()));
        }
        float[] chosen = Tensors.floats(top.get1());
        int[] ids = new int[chosen.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = (int) chosen[i];
        }
        return new Routing(
                experts.count(),
                ids,
                compute.cast(weights.mul(Tensors.scalar(experts.scale()))),
                routers.length > 1 ? routers[1].sigmoid() : null);
    }

    /** Hidden values of all slots and of the shared experts. */
    Tensor up(Tensor x, Routing routing, SiteObserver observer) {
        int[] order = Routing.byExpert(routing.chosen(), routing.experts());
        int[] starts = Routing.starts(routing.chosen(), routing.experts());
        int k = experts.perToken();
        TensorVector parts = new TensorVector();
        Tensor shared = null;
        for (List<LinearSite> group : first) {
            LinearSite site = group.getFirst();
            switch (site.part()) {
                case EXPERT -> {
                    int from = starts[site.expert()];
                    int to = starts[site.expert() + 1];
                    if (to > from) {
                        Tensor rows = x.index_select(0, compute.place(Routing.indices(order, from, to, k)));
                        parts.push_back(hidden(group, rows, observer));
                    }
                }
                case SHARED -> shared = hidden(group, x, observer);
                case ROUTER, DENSE -> {}
            }
        }
        Tensor slots = torch.cat(parts, 0)
                .index_select(0, compute.place(Routing.inverse(order)))
                .view(x.size(0), (long) k * experts.width());
        return shared == null ? slots : torch.cat(new TensorVector(slots, shared), 1);
    }

    /** Hidden values of one expert for any tokens, x (tokens, hidden). */
    Tensor hidden(int expert, Tensor x) {
        List<LinearSite> group = first.stream()
                .filter(each ->
                        each.getFirst().part() == Part.EXPERT && each.getFirst().expert() == expert)
                .findFirst()
                .orElseThrow();
        return hidden(group, x, SiteObserver.NONE);
    }

    private Tensor hidden(List<LinearSite> gateAndUp, Tensor rows, SiteObserver observer) {
        Tensor[] both = linears.outputs(gateAndUp, rows, observer);
        return activation.apply(both[0]).mul(both[1]);
    }

    /** The weighted sum of the experts' outputs, (tokens, hidden). */
    Tensor down(Tensor hidden, Routing routing, SiteObserver observer) {
        int[] order = Routing.byExpert(routing.chosen(), routing.experts());
        int[] starts = Routing.starts(routing.chosen(), routing.experts());
        int k = experts.perToken();
        long tokens = hidden.size(0);
        long routed = (long) k * experts.width();
        Tensor slots = Tensors.slice(hidden, 1, 0, routed).reshape(tokens * k, experts.width());
        TensorVector parts = new TensorVector();
        Tensor shared = null;
        for (List<LinearSite> group : second) {
            LinearSite site = group.getFirst();
            if (site.part() == Part.SHARED) {
                Tensor rows = Tensors.slice(hidden, 1, routed, routed + experts.sharedWidth());
                shared = linears.outputs(group, rows, observer)[0];
                continue;
            }
            int from = starts[site.expert()];
            int to = starts[site.expert() + 1];
            if (to > from) {
                Tensor rows = slots.index_select(0, compute.place(Routing.indices(order, from, to, 1)));
                parts.push_back(linears.outputs(group, rows, observer)[0]);
            }
        }
        Tensor outputs = torch.cat(parts, 0).index_select(0, compute.place(Routing.inverse(order)));
        Tensor sum = outputs.view(tokens, k, outputs.size(1))
                .mul(routing.weights().unsqueeze(2))
                .sum(1);
        if (shared == null) {
            return sum;
        }
        Tensor weight = routing.sharedWeight();
        return sum.add(weight == null ? shared : shared.mul(weight));
    }
}
