package dev.halftone.calibration;

import dev.halftone.error.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;

/** Sequences of texts: the modes of {@link CalibrationSource.Text}. */
final class TextSequences {
    private TextSequences() {}

    static List<int[]> draw(CalibrationSource.Text source, Request request) {
        List<Path> files = source.files();
        return switch (source.mode()) {
            case FIRST -> first(files, request);
            case GPTQ -> windows(files, request);
            case DOCUMENT -> document(files, request);
            case PACK -> pack(files, request);
            case TRUNCATE -> truncate(files, request);
        };
    }

    private static List<int[]> first(List<Path> files, Request request) {
        int[] tokens = request.tokenizer().encode(Documents.joined(files));
        checkLength(tokens, (long) request.samples() * request.length(), files, request);
        return blocks(tokens, request.length(), request.samples());
    }

    /** Start uniform in [0, n - length - 1], so that even a window's last token has a successor, as in GPTQ's code. */
    static List<int[]> windows(List<Path> files, Request request) {
        int[] tokens = request.tokenizer().encode(Documents.joined(files));
        int length = request.length();
        checkLength(tokens, length + 1L, files, request);
        List<int[]> windows = new ArrayList<>();
        for (int k = 0; k < request.samples(); k++) {
            int start = request.random("text/gptq", k).nextInt(tokens.length - length);
            windows.add(Arrays.copyOfRange(tokens, start, start + length));
        }
        return windows;
    }

    private static void checkLength(int[] tokens, long needed, List<Path> files, Request request) {
        if (tokens.length < needed) {
            throw new InputException(
                    "HT-411",
                    Documents.place(files),
                    "the text has %d tokens; %d windows of %d need %d"
                            .formatted(tokens.length, request.samples(), request.length(), needed),
                    "give a longer text or fewer --samples");
        }
    }

    /** Documents may come again, as in the code for C4; each draw picks among all that have {@code length} tokens. */
    private static List<int[]> document(List<Path> files, Request request) {
        int length = request.length();
        List<int[]> eligible = new ArrayList<>();
        int longest = 0;
        for (String document : Documents.read(files)) {
            int[] tokens = request.tokenizer().encode(document);
            longest = Math.max(longest, tokens.length);
            if (tokens.length >= length) {
                eligible.add(tokens);
            }
        }
        if (eligible.isEmpty()) {
            throw new InputException(
                    "HT-444",
                    Documents.place(files),
                    "no document has %d tokens; the longest has %d".formatted(length, longest),
                    "use a smaller --length, or mode truncate or pack");
        }
        List<int[]> windows = new ArrayList<>();
        for (int k = 0; k < request.samples(); k++) {
            RandomGenerator random = request.random("text/document", k);
            int[] tokens = eligible.get(random.nextInt(eligible.size()));
            int start = random.nextInt(tokens.length - length + 1);
            windows.add(Arrays.copyOfRange(tokens, start, start + length));
        }
        return windows;
    }

    /** {@code samples} counts documents, as in AWQ's code; those longer than a sequence are passed over. */
    private static List<int[]> pack(List<Path> files, Request request) {
        List<String> documents = Documents.read(files);
        List<int[]> taken = new ArrayList<>();
        for (int i : Request.permutation(documents.size(), request.random("text/pack", 0))) {
            int[] tokens = request.tokenizer().encode(documents.get(i));
            if (tokens.length <= request.length()) {
                taken.add(tokens);
            }
            if (taken.size() == request.samples()) {
                break;
            }
        }
        if (taken.isEmpty()) {
            throw new InputException(
                    "HT-444",
                    Documents.place(files),
                    "every document is longer than %d tokens".formatted(request.length()),
                    "use a larger --length, or mode document or truncate");
        }
        return packed(concatenated(taken), Integer.MAX_VALUE, files, request);
    }

    private static List<int[]> truncate(List<Path> files, Request request) {
        List<String> documents = Documents.read(files);
        List<int[]> sequences = new ArrayList<>();
        for (int i : Request.permutation(documents.size(), request.random("text/truncate", 0))) {
            int[] tokens = request.tokenizer().encode(documents.get(i));
            if (tokens.length > 0) {
                sequences.add(Arrays.copyOf(tokens, Math.min(tokens.length, request.length())));
            }
            if (sequences.size() == request.samples()) {
                break;
            }
        }
        if (sequences.isEmpty()) {
            throw new InputException("HT-443", Documents.place(files), "no document with tokens", "name other files");
        }
        return sequences;
    }

    /** Cuts tokens into whole blocks, at least one. */
    static List<int[]> packed(int[] tokens, int most, List<Path> files, Request request) {
        if (tokens.length < request.length()) {
            throw new InputException(
                    "HT-445",
                    Documents.place(files),
                    "put together, %d tokens; one sequence needs %d".formatted(tokens.length, request.length()),
                    "give more text or a smaller --length");
        }
        return blocks(tokens, request.length(), most);
    }

    private static List<int[]> blocks(int[] tokens, int length, int most) {
        List<int[]> blocks = new ArrayList<>();
        for (int at = 0; at + length <= tokens.length && blocks.size() < most; at += length) {
            blocks.add(Arrays.copyOfRange(tokens, at, at + length));
        }
        return blocks;
    }

    private static int[] concatenated(List<int[]> parts) {
        return parts.stream().flatMapToInt(Arrays::stream).toArray();
    }
}
