package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import dev.halftone.evaluate.GenerationScores.Answer;
import dev.halftone.kernel.Kernels;
import dev.halftone.model.Decoder;
import dev.halftone.model.PlainCache;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What a model writes if it always takes its most probable token, the first of equals, through a cache of keys and values. An
 * answer ends at EOS, at a stop or at its longest. All blocks are in memory meanwhile; an item is computed by one thread, so
 * answers do not depend on their number.
 */
public final class GreedyDecoding {
    private static final Kernels KERNELS = Kernels.best();

    private final Decoder decoder;
    private final TextTokenizer tokenizer;
    private final int bos;
    private final int contextLength;

    private GreedyDecoding(Decoder decoder, ChoiceEncoder encoder) {
        this.decoder = decoder;
        this.tokenizer = encoder.tokenizer();
        this.bos = encoder.bos();
        this.contextLength = encoder.contextLength();
    }

    /** Answers all items; the decoder keeps its blocks from now on. */
    public static GenerationScores run(
            Decoder decoder,
            ChoiceEncoder encoder,
            List<GenerationItem> items,
            Workers workers,
            Evaluation.Progress progress) {
        GreedyDecoding decoding = new GreedyDecoding(decoder, encoder);
        decoder.keepBlocks();
        List<List<Answer>> answers =
                new ArrayList<>(items.stream().map(_ -> List.<Answer>of()).toList());
        AtomicInteger done = new AtomicInteger();
        workers.forEach(items.size(), i -> {
            answers.set(i, decoding.answers(items.get(i)));
            progress.update(done.incrementAndGet(), items.size());
        });
        return new GenerationScores(items, answers);
    }

    private List<Answer> answers(GenerationItem item) {
        List<Answer> answers = new ArrayList<>();
        StringBuilder transcript = new StringBuilder();
        for (String turn : item.turns()) {
            transcript.append(turn);
            Answer answer = answer(transcript.toString(), item);
            answers.add(answer);
            transcript.append(answer.text());
        }
        return answers;
    }

    /**
     * @throws InputException HT-314 if the model reads no more tokens than the answer may have, HT-315 if there is nothing to
     *     continue
     */
    private Answer answer(String prompt, GenerationItem item) {
        int room = contextLength - item.mostTokens();
        if (room < 1) {
            throw new InputException(
                    "HT-314",
                    item.place(),
                    "an answer may have %d tokens; the model reads %d at once"
                            .formatted(item.mostTokens(), contextLength),
                    "allow fewer");
        }
        int[] whole = ChoiceEncoder.startingWith(bos, tokenizer.encode(prompt));
        if (whole.length == 0) {
            throw new InputException(
                    "HT-315", item.place(), "the prompt has no token to continue", "give every item a prompt");
        }
        int truncated = Math.max(0, whole.length - room);
        int[] read = Arrays.copyOfRange(whole, truncated, whole.length);
        int[] ids = new int[item.mostTokens()];
        int count = 0;
        try (PlainCache cache = new PlainCache(decoder.spec(), decoder.compute(), read.length + ids.length)) {
            while (count < ids.length) {
                int next = next(read, cache);
                ids[count++] = next;
                if (next == tokenizer.eosId()) {
                    break;
                }
                String text = tokenizer.decode(Arrays.copyOf(ids, count));
                int stop = stop(text, item.stops());
                if (stop >= 0) {
                    return new Answer(text.substring(0, stop), Arrays.copyOf(ids, count), truncated);
                }
                read = new int[] {next};
            }
        }
        int[] all = Arrays.copyOf(ids, count);
        boolean ended = all[count - 1] == tokenizer.eosId();
        return new Answer(tokenizer.decode(ended ? Arrays.copyOf(all, count - 1) : all), all, truncated);
    }

    private int next(int[] ids, PlainCache cache) {
        AtomicReference<float[]> logits = new AtomicReference<>(new float[0]);
        Torch.inScope(
                () -> logits.set(Tensors.floats(decoder.nextLogits(ids, cache).cpu())));
        return KERNELS.argMax(logits.get(), 0, logits.get().length);
    }

    /** Where the first of the stops begins; -1 if none is there. */
    private static int stop(String text, List<String> stops) {
        return stops.stream()
                .mapToInt(text::indexOf)
                .filter(at -> at >= 0)
                .min()
                .orElse(-1);
    }
}
