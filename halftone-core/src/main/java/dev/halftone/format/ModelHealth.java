package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.ReadAhead;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.checkpoint.TensorHealth;
import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/** Looks at every value of a checkpoint before any work is spent on it. */
public final class ModelHealth {
    private ModelHealth() {}

    /**
     * What is wrong with a tensor.
     *
     * @param fatal nothing useful can come of the model
     */
    public record Finding(String tensor, boolean fatal, String message) {}

    /** All findings, in the order of the tensors; bit patterns that are no numbers (packed codes) are not looked at. */
    public static List<Finding> scan(Checkpoint checkpoint) {
        List<String> names = checkpoint.names().stream()
                .filter(name -> decodable(checkpoint.tensor(name)))
                .toList();
        // In the order of the files, so that they are read from front to back.
        int[] order = IntStream.range(0, names.size())
                .boxed()
                .sorted(Comparator.comparingLong(
                        i -> checkpoint.tensor(names.get(i)).bytes().address()))
                .mapToInt(Integer::intValue)
                .toArray();
        List<Optional<Finding>> findings = new ArrayList<>(Collections.nCopies(names.size(), Optional.empty()));
        AtomicInteger next = new AtomicInteger();
        try (ReadAhead _ = new ReadAhead(checkpoint.files())) {
            IntStream.range(0, Runtime.getRuntime().availableProcessors())
                    .parallel()
                    .forEach(_ -> {
                        for (int i = next.getAndIncrement(); i < order.length; i = next.getAndIncrement()) {
                            String name = names.get(order[i]);
                            findings.set(order[i], finding(name, checkpoint.tensor(name)));
                        }
                    });
        }
        return findings.stream().flatMap(Optional::stream).toList();
    }

    /**
     * Fails on the first fatal finding.
     *
     * @throws InputException HT-212
     */
    public static void check(Checkpoint checkpoint) {
        for (Finding finding : scan(checkpoint)) {
            if (finding.fatal()) {
                throw error(finding);
            }
        }
    }

    /** The error that a fatal finding ends a command with. */
    public static InputException error(Finding finding) {
        return new InputException(
                "HT-212",
                finding.tensor(),
                finding.message(),
                "the checkpoint is damaged: download or convert it again");
    }

    private static boolean decodable(StoredTensor tensor) {
        return !tensor.type().matches("F4|F6_.*|C64|BOOL|[UI][0-9]+");
    }

    private static Optional<Finding> finding(String name, StoredTensor tensor) {
        TensorHealth health = TensorHealth.scan(tensor);
        if (!health.finite()) {
            return Optional.of(new Finding(
                    name,
                    true,
                    "%d NaN and %d infinite of %d values, the first in row %d; expected finite numbers"
                            .formatted(
                                    health.nan(), health.infinite(), health.elements(), health.firstNonFiniteRow())));
        }
        long inOtherRows = health.zeroGroups() - health.zeroRows() * (tensor.columns() / TensorHealth.GROUP);
        List<String> notes = new ArrayList<>();
        if (health.zeroRows() > 0) {
            notes.add("%d rows of zeros, the first is row %d".formatted(health.zeroRows(), health.firstZeroRow()));
        }
        if (health.zeroGroups() > 0 && inOtherRows > 0) {
            notes.add("%d groups of %d zeros in other rows".formatted(inOtherRows, TensorHealth.GROUP));
        }
        return notes.isEmpty() ? Optional.empty() : Optional.of(new Finding(name, false, String.join("; ", notes)));
    }
}
