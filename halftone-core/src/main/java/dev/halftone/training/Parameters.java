package dev.halftone.training;

import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderSpec;
import dev.halftone.model.WeightSource;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import dev.halftone.tensor.Tensors;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** All parameters of a model in one float32 memory: matrices first, which are decayed, then gains and biases. */
final class Parameters {
    /** Elements of a piece: small enough that weights, gradient and the moments stay in the cache. */
    private static final long PIECE = 1 << 15;

    private final List<Place> places = new ArrayList<>();
    private final List<Optimizer.Piece> pieces = new ArrayList<>();
    private final MemorySegment values;
    private final long count;

    /**
     * Where a tensor lies, in elements.
     *
     * @param inBlock true unless it is an embedding, the positions, a projection beside them or the head
     */
    record Place(Decoder.Expected tensor, long from, long count, boolean inBlock) {
        MemorySegment in(MemorySegment all) {
            return all.asSlice(from * Float.BYTES, count * Float.BYTES);
        }
    }

    Parameters(DecoderSpec spec, Arena arena) {
        long at = 0;
        for (boolean matrices : new boolean[] {true, false}) {
            long start = at;
            for (Decoder.Expected tensor : Decoder.tensors(spec)) {
                if (tensor.shape().length > 1 == matrices) {
                    long elements = 1;
                    for (long dimension : tensor.shape()) {
                        elements *= dimension;
                    }
                    places.add(new Place(tensor, at, elements, inBlock(spec, tensor.name())));
                    at += elements;
                }
            }
            pieces.addAll(pieces(start, at, matrices));
        }
        this.count = at;
        this.values = arena.allocate(count * Float.BYTES, 64);
    }

    /** Elements {@code from} (inclusive) to {@code to} (exclusive) in pieces that fit a cache. */
    static List<Optimizer.Piece> pieces(long from, long to, boolean decayed) {
        List<Optimizer.Piece> pieces = new ArrayList<>();
        for (long at = from; at < to; at += PIECE) {
            pieces.add(new Optimizer.Piece(at, Math.min(PIECE, to - at), decayed));
        }
        return pieces;
    }

    private static boolean inBlock(DecoderSpec spec, String name) {
        for (int i = 0; i < spec.layers(); i++) {
            if (name.startsWith(spec.blockName(i) + ".")) {
                return true;
            }
        }
        return false;
    }

    long count() {
        return count;
    }

    MemorySegment values() {
        return values;
    }

    List<Place> places() {
        return places;
    }

    List<Optimizer.Piece> pieces() {
        return pieces;
    }

    /** Normal 0.02 for matrices, 0.02 / sqrt(2 blocks) for those that write into the residual stream, gains 1, biases 0, learned positions {@link #sinusoids}. */
    void initialize(DecoderSpec spec, long seed) {
        Set<String> writers = writers(spec);
        for (Place place : places) {
            String name = place.tensor().name();
            boolean matrix = place.tensor().shape().length > 1;
            boolean writer = writers.contains(name);
            double deviation = writer ? 0.02 / Math.sqrt(2.0 * spec.layers()) : 0.02;
            SplittableRandom random = new SplittableRandom(seed ^ hash(name));
            MemorySegment target = place.in(values);
            if (name.equals(spec.names().positions() + ".weight")) {
                sinusoids(target, place.tensor().shape()[1]);
                continue;
            }
            for (long i = 0; i < place.count(); i++) {
                float value = matrix ? (float) (deviation * random.nextGaussian()) : name.endsWith(".weight") ? 1 : 0;
                target.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
            }
        }
    }

    /** Learned positions start as sines and cosines (arXiv:1706.03762) of deviation 0.02: near places are alike from the start. */
    private static void sinusoids(MemorySegment target, long width) {
        long half = width / 2;
        for (long i = 0; i < target.byteSize() / Float.BYTES; i++) {
            long row = i / width;
            long column = i % width;
            double angle = row * Math.pow(10000, -(double) (column % half) / half);
            double value = column < half ? Math.sin(angle) : Math.cos(angle);
            target.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (0.02 * Math.sqrt(2) * value));
        }
    }

    /** The weights whose outputs are added to the residual stream. */
    private static Set<String> writers(DecoderSpec spec) {
        Set<String> names = new HashSet<>();
        for (int i = 0; i < spec.layers(); i++) {
            for (int stage : new int[] {1, 3}) {
                spec.stages(i).get(stage).forEach(site -> names.add(site.weight()));
            }
        }
        return names;
    }

    private static long hash(String name) {
        long hash = 0xcbf29ce484222325L; // FNV-1a
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b) * 0x100000001b3L;
        }
        return hash;
    }

    /** Takes the values of a model. */
    void copyFrom(WeightSource source) {
        try (Arena arena = Arena.ofShared()) {
            for (Place place : places) {
                dev.halftone.tensor.Torch.inScope(() -> {
                    Tensor tensor = source.load(place.tensor().name(), ComputeType.FLOAT32, arena);
                    MemorySegment.copy(
                            Tensors.memory(tensor.contiguous()), 0, place.in(values), 0, place.count() * Float.BYTES);
                });
            }
        }
    }

    /** All values in one tensor: on the CPU over their memory, elsewhere a copy as they are now. */
    Tensor flat(ComputeDevice device) {
        return device.place(Tensors.over(values, ScalarType.Float, count));
    }

    /**
     * The tensors of the model within {@link #flat}, in the order of {@link #places}; each call makes leaves of its own, so that
     * gradients of micro-batches do not meet.
     */
    List<Tensor> leaves(Tensor flat, boolean gradients) {
        return places.stream()
                .map(place -> {
                    Tensor leaf = Tensors.slice(flat, 0, place.from(), place.from() + place.count())
                            .view(place.tensor().shape())
                            .detach();
                    if (gradients) {
                        leaf.requires_grad_(true);
                    }
                    return leaf;
                })
                .toList();
    }
}
