package dev.halftone.recipe;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.StoredPart;
import dev.halftone.model.EditedWeights;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.pytorch.Tensor;

/** What a transform has changed and no solver has packed, as float32 in the family's own layout. */
final class EditedParts {
    private EditedParts() {}

    /**
     * @param linears of the block
     * @param packed names of weights that are stored packed
     * @param arena owns what the parts hold
     */
    static List<StoredPart> of(EditedWeights weights, List<LinearSite> linears, Set<String> packed, Arena arena) {
        Map<String, LinearSite> sites = new HashMap<>();
        linears.forEach(site -> sites.put(site.weight(), site));
        List<StoredPart> parts = new ArrayList<>();
        for (String name : weights.edited()) {
            if (packed.contains(name)) {
                continue;
            }
            Torch.inScope(() -> {
                Tensor tensor = weights.load(name, ComputeType.FLOAT32, arena);
                LinearSite site = sites.get(name);
                Tensor stored = (site != null && site.inputMajor() ? tensor.t() : tensor).contiguous();
                MemorySegment memory = arena.allocate(stored.numel() * Float.BYTES, 64);
                MemorySegment.copy(Tensors.memory(stored), 0, memory, 0, memory.byteSize());
                parts.add(new StoredPart(
                        name,
                        SafetensorsDtype.F32,
                        site == null ? new long[] {stored.numel()} : new long[] {stored.size(0), stored.size(1)},
                        memory));
            });
        }
        return parts;
    }
}
