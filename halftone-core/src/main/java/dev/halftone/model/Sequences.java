package dev.halftone.model;

import dev.halftone.tensor.Activations;
import dev.halftone.tensor.Spill;
import dev.halftone.tensor.Workers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Many token sequences on their way through a decoder, all at the same block: what lets a model larger than memory be run
 * block by block. Sequences are independent pieces of work, each computed by one thread.
 */
public final class Sequences implements AutoCloseable {
    private final Decoder decoder;
    private final List<int[]> windows;
    private final Workers workers;
    private final Spill spill;
    private final long[] starts;
    private final Activations residual;
    private final Map<Integer, Pass> passes = new HashMap<>();

    /** @param directory for what does not fit into memory */
    public Sequences(Decoder decoder, List<int[]> windows, Workers workers, Path directory) {
        this(decoder, windows, workers, Spill.large(directory));
    }

    /** @param spill where activations are kept */
    public Sequences(Decoder decoder, List<int[]> windows, Workers workers, Spill spill) {
        this.decoder = decoder;
        this.windows = windows;
        this.workers = workers;
        this.spill = spill;
        this.starts = new long[windows.size() + 1];
        for (int i = 0; i < windows.size(); i++) {
            starts[i + 1] = starts[i] + windows.get(i).length;
            decoder.checkLength(windows.get(i).length);
            passes.computeIfAbsent(
                    windows.get(i).length, length -> Pass.whole(decoder.spec(), decoder.compute(), length));
        }
        this.residual = new Activations(tokens(), decoder.spec().hidden(), spill);
        workers.forEach(windows.size(), i -> view(residual, i).copy_(decoder.embed(windows.get(i), pass(i))));
    }

    /** Tokens of all sequences together. */
    public long tokens() {
        return starts[windows.size()];
    }

    /** How many there are. */
    public int count() {
        return windows.size();
    }

    /** A copy of the residual streams, which the caller closes. */
    public Activations copy() {
        Activations copy = new Activations(tokens(), decoder.spec().hidden(), spill);
        copy.copyFrom(residual);
        return copy;
    }

    /** Takes up residual streams of another place. */
    public void goTo(Activations place) {
        residual.copyFrom(place);
    }

    /** The rows of a sequence in activations of all of them, as a tensor over their memory. */
    public Tensor rows(Activations activations, int sequence) {
        return view(activations, sequence);
    }

    /** A sequence's residual stream behind a block, from the one before it; nothing is taken further. */
    public Tensor through(DecoderBlock block, int sequence, Activations before) {
        return block.forward(compute(before, sequence), pass(sequence), SiteObserver.NONE);
    }

    /** Takes all sequences through a block. */
    public void forward(DecoderBlock block, SiteObserver observer) {
        forward(block, _ -> observer);
    }

    /** The same with an observer for each sequence, made when its turn comes; sequences run on several threads. */
    public void forward(DecoderBlock block, IntFunction<SiteObserver> observers) {
        workers.forEach(windows.size(), i -> {
            Tensor out = block.forward(compute(residual, i), pass(i), observers.apply(i));
            view(residual, i).copy_(out);
        });
    }

    /** The inputs of a block's first stage; the caller closes them. */
    public Activations begin(DecoderBlock block) {
        Activations input = inputs(block, 0);
        workers.forEach(
                windows.size(),
                i -> view(input, i).copy_(block.begin(compute(residual, i)).input()));
        return input;
    }

    /**
     * Takes all sequences through a stage, and closes its inputs.
     *
     * @return the inputs of the next stage, which the caller closes; null after the last
     */
    public @Nullable Activations advance(DecoderBlock block, int stage, Activations input) {
        boolean last = stage == block.stages().size() - 1;
        Activations next = last ? null : inputs(block, stage + 1);
        workers.forEach(windows.size(), i -> {
            DecoderBlock.State before = new DecoderBlock.State(compute(residual, i), compute(input, i));
            DecoderBlock.State after = block.advance(stage, before, pass(i), SiteObserver.NONE);
            view(residual, i).copy_(after.residual());
            if (next != null) {
                view(next, i).copy_(after.input());
            }
        });
        input.close();
        return next;
    }

    /**
     * What attention (stage 0) or MLP (stage 2) add to the residual stream for these inputs; nothing is taken further.
     *
     * @param input of the stage; stays open
     * @return (tokens, hidden), which the caller closes
     */
    public Activations module(DecoderBlock block, int stage, Activations input) {
        Activations output = new Activations(tokens(), decoder.spec().hidden(), spill);
        workers.forEach(windows.size(), i -> view(output, i).copy_(block.module(stage, compute(input, i), pass(i))));
        return output;
    }

    /**
     * Which experts of a block all tokens get.
     *
     * @param input of stage 2; stays open
     */
    public RoutedTokens route(DecoderBlock block, Activations input) {
        int[][] chosen = new int[windows.size()][];
        workers.forEach(
                windows.size(), i -> chosen[i] = block.route(compute(input, i)).chosen());
        return new RoutedTokens(
                block.experts(),
                Arrays.stream(chosen).flatMapToInt(Arrays::stream).toArray());
    }

    /** Inputs of an expert's last linear for all tokens, before stage 3, whether they are the expert's or not; the caller closes them. */
    public Activations expertHidden(DecoderBlock block, int expert) {
        Activations hidden = new Activations(tokens(), block.experts().width(), spill);
        workers.forEach(windows.size(), i -> view(hidden, i).copy_(block.expertHidden(expert, compute(residual, i))));
        return hidden;
    }

    /** Writes the residual streams of all sequences. */
    public void save(Path file) throws IOException {
        residual.save(file);
    }

    /** Puts residual streams back that were saved at another time. */
    public void restore(Path file) throws IOException {
        residual.restore(file);
    }

    /** Residual streams of all sequences (tokens, hidden), which belong to this. */
    public Activations residuals() {
        return residual;
    }

    /** Residual stream of a sequence in the compute type and on the device (tokens, hidden), to be read inside a scope. */
    public Tensor residual(int sequence) {
        return compute(residual, sequence);
    }

    private Activations inputs(DecoderBlock block, int stage) {
        return new Activations(tokens(), block.width(stage), spill);
    }

    private Tensor compute(Activations activations, int sequence) {
        return decoder.compute().cast(view(activations, sequence));
    }

    private Tensor view(Activations activations, int sequence) {
        return activations.view(starts[sequence], starts[sequence + 1]);
    }

    private Pass pass(int sequence) {
        Pass pass = passes.get(windows.get(sequence).length);
        if (pass == null) {
            throw new IllegalStateException("no pass for sequence " + sequence);
        }
        return pass;
    }

    @Override
    public void close() {
        passes.values().forEach(Pass::close);
        residual.close();
    }
}
