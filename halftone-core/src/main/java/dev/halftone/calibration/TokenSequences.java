package dev.halftone.calibration;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.ToIntFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;

/**
 * Token ids drawn one by one: {@link CalibrationSource.Tokens}, {@link CalibrationSource.Unigram},
 * {@link CalibrationSource.Shuffle} and {@link CalibrationSource.Repeat}.
 */
final class TokenSequences {
    private TokenSequences() {}

    static List<int[]> tokens(Request request) {
        int[] ordinary = ordinary(request);
        return independent("tokens", request, random -> ordinary[random.nextInt(ordinary.length)]);
    }

    static List<int[]> unigram(List<Path> files, Request request) {
        int[] text = request.tokenizer().encode(Documents.joined(files));
        if (text.length == 0) {
            throw new InputException("HT-443", Documents.place(files), "no document with tokens", "name other files");
        }
        // A token of the text, each as likely as another, is a draw from its histogram.
        return independent("unigram", request, random -> text[random.nextInt(text.length)]);
    }

    static List<int[]> shuffle(List<Path> files, Request request) {
        List<int[]> windows = TextSequences.windows(files, request);
        for (int k = 0; k < windows.size(); k++) {
            Request.permute(windows.get(k), request.random("shuffle", k));
        }
        return windows;
    }

    static List<int[]> repeat(CalibrationSource.Repeat source, Request request) {
        int token = source.token();
        if (token < 0) {
            int[] ordinary = ordinary(request);
            token = ordinary[request.random("repeat", 0).nextInt(ordinary.length)];
        }
        if (token >= request.vocabulary()) {
            throw new InputException(
                    "HT-447",
                    "calibration source repeat",
                    "token " + token + "; ids are below " + request.vocabulary(),
                    "name a smaller id");
        }
        int[] sequence = new int[request.length()];
        Arrays.fill(sequence, token);
        return IntStream.range(0, request.samples())
                .mapToObj(_ -> sequence.clone())
                .toList();
    }

    private static List<int[]> independent(String name, Request request, ToIntFunction<RandomGenerator> draw) {
        List<int[]> sequences = new ArrayList<>();
        for (int k = 0; k < request.samples(); k++) {
            RandomGenerator random = request.random(name, k);
            int[] sequence = new int[request.length()];
            for (int i = 0; i < sequence.length; i++) {
                sequence[i] = draw.applyAsInt(random);
            }
            sequences.add(sequence);
        }
        return sequences;
    }

    /** The vocabulary without special tokens. */
    private static int[] ordinary(Request request) {
        Set<Integer> special = request.tokenizer().specialIds();
        int[] ids = IntStream.range(0, request.vocabulary())
                .filter(id -> !special.contains(id))
                .toArray();
        if (ids.length == 0) {
            throw new InputException(
                    "HT-447",
                    "calibration source",
                    "the vocabulary has special tokens only",
                    "check the model's tokenizer");
        }
        return ids;
    }
}
