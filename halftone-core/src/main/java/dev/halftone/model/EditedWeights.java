package dev.halftone.model;

import dev.halftone.tensor.ComputeType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Weights of which some have other values than their source says, in float32: what a transform leaves behind. */
public final class EditedWeights implements WeightSource {
    private final WeightSource source;
    private final Map<String, Edit> edits = new LinkedHashMap<>();

    private record Edit(float[] values, long[] shape) {}

    public EditedWeights(WeightSource source) {
        this.source = source;
    }

    /** Replaces a linear weight, (out, in) row-major. */
    public void set(LinearSite site, float[] values) {
        edits.put(site.weight(), new Edit(values, new long[] {site.out(), site.in()}));
    }

    /** Replaces the vector of that name: a norm's weight, or a bias. */
    public void set(String name, float[] values) {
        edits.put(name, new Edit(values, new long[] {values.length}));
    }

    /** The names of what was replaced, in that order. */
    public java.util.Set<String> edited() {
        return edits.keySet();
    }

    @Override
    public boolean has(String name) {
        return edits.containsKey(name) || source.has(name);
    }

    @Override
    public long[] shape(String name) {
        Edit edit = edits.get(name);
        return edit == null ? source.shape(name) : edit.shape().clone();
    }

    /** A replaced linear is (out, in), as a packed one is. */
    @Override
    public boolean packed(String name) {
        Edit edit = edits.get(name);
        return edit == null ? source.packed(name) : edit.shape().length == 2;
    }

    @Override
    public long storedBytes(String name) {
        Edit edit = edits.get(name);
        return edit == null ? source.storedBytes(name) : (long) edit.values().length * Float.BYTES;
    }

    @Override
    public String storedType(String name) {
        return edits.containsKey(name) ? "F32" : source.storedType(name);
    }

    @Override
    public Tensor load(String name, ComputeType type, Arena arena) {
        Edit edit = edits.get(name);
        if (edit == null) {
            return source.load(name, type, arena);
        }
        float[] values = edit.values();
        return Weights.of(
                edit.shape().clone(),
                type,
                arena,
                memory -> MemorySegment.copy(values, 0, memory, ValueLayout.JAVA_FLOAT, 0, values.length));
    }
}
