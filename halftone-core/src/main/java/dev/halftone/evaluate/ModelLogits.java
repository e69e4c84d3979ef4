package dev.halftone.evaluate;

import dev.halftone.evaluate.WindowRule.Window;
import dev.halftone.model.Decoder;
import dev.halftone.model.DecoderBlock;
import dev.halftone.model.Sequences;
import dev.halftone.model.SiteObserver;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Workers;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.IntBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/** A decoder that is run over the windows, block by block; the head only where rows are read. */
public final class ModelLogits implements LogitSource {
    private final Decoder decoder;
    private final Path spill;
    private List<Window> windows = List.of();
    private int[] ofWindow = {};
    private @Nullable Sequences sequences;

    /**
     * @param decoder stays the caller's
     * @param spill directory for what does not fit into memory
     */
    public ModelLogits(Decoder decoder, Path spill) {
        this.decoder = decoder;
        this.spill = spill;
    }

    @Override
    public int vocabulary() {
        return decoder.spec().embedding().vocabulary();
    }

    @Override
    public int steps() {
        return decoder.spec().layers();
    }

    /**
     * A window's last token is only predicted, never read: so a window may be one token longer than the positions of the model,
     * and windows that differ in nothing else share a sequence.
     */
    @Override
    public void prepare(List<Window> all, Workers workers, Runnable step) {
        Map<IntBuffer, Integer> known = new HashMap<>();
        List<int[]> inputs = new ArrayList<>();
        windows = List.copyOf(all);
        ofWindow = new int[windows.size()];
        for (int i = 0; i < ofWindow.length; i++) {
            int[] tokens = windows.get(i).tokens();
            int[] input = Arrays.copyOf(tokens, tokens.length - 1);
            Integer at = known.putIfAbsent(IntBuffer.wrap(input), inputs.size());
            ofWindow[i] = at == null ? inputs.size() : at;
            if (at == null) {
                inputs.add(input);
            }
        }
        Sequences running = new Sequences(decoder, inputs, workers, spill);
        sequences = running;
        for (int i = 0; i < decoder.spec().layers(); i++) {
            try (DecoderBlock block = decoder.block(i)) {
                running.forward(block, SiteObserver.NONE);
            }
            step.run();
        }
    }

    @Override
    public Rows rows(int window, int from, int count) {
        if (sequences == null) {
            throw new IllegalStateException("rows before prepare");
        }
        Tensor hidden = sequences.residual(ofWindow[window]);
        // What is predicted at a position comes out one position before.
        int first = windows.get(window).firstScored() + from - 1;
        MemorySegment logits = Tensors.memory(
                decoder.logits(Tensors.slice(hidden, 0, first, first + count)).cpu());
        return (row, target) -> MemorySegment.copy(
                logits, ValueLayout.JAVA_FLOAT, (long) row * vocabulary() * Float.BYTES, target, 0, vocabulary());
    }

    @Override
    public void close() {
        if (sequences != null) {
            sequences.close();
        }
    }
}
