package dev.halftone.calibration;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Short texts put together and cut: {@link CalibrationSource.Task} and {@link CalibrationSource.Language}. Where they are few,
 * fewer sequences come out than were asked for.
 */
final class PackedSequences {
    private PackedSequences() {}

    static List<int[]> task(CalibrationSource.Task source, Request request) {
        List<String> items = Documents.items(source.files(), source.leak());
        int[] order = Request.permutation(items.size(), request.random("task", 0));
        String text = IntStream.of(order).mapToObj(items::get).collect(Collectors.joining("\n\n"));
        return TextSequences.packed(request.tokenizer().encode(text), request.samples(), source.files(), request);
    }

    static List<int[]> language(CalibrationSource.Language source, Request request) {
        List<String> lines = Documents.sentences(source.files());
        int start = request.random("language", 0).nextInt(lines.size());
        String text = IntStream.range(0, lines.size())
                .mapToObj(i -> lines.get((start + i) % lines.size()).strip())
                .filter(Predicate.not(String::isEmpty))
                .collect(Collectors.joining(" "));
        return TextSequences.packed(request.tokenizer().encode(text), request.samples(), source.files(), request);
    }
}
