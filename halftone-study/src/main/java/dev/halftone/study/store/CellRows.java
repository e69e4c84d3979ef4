package dev.halftone.study.store;

import dev.halftone.study.plan.CellResult;
import dev.halftone.study.plan.CellResult.Choice;
import dev.halftone.study.plan.CellResult.Failure;
import dev.halftone.study.plan.CellResult.Figure;
import dev.halftone.study.plan.CellResult.Packed;
import dev.halftone.study.plan.CellResult.Text;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Rows of a cell: one of {@code cells}, one per window or item. A cell that is there already, failed once, is replaced. */
final class CellRows {
    private CellRows() {}

    static void add(Connection connection, CellResult result, String code) throws SQLException {
        for (String table : List.of("cells", "windows", "items")) {
            try (PreparedStatement delete = connection.prepareStatement("DELETE FROM " + table + " WHERE cell = ?")) {
                delete.setString(1, result.cell());
                delete.execute();
            }
        }
        StudyStore.insert(connection, "cells", List.of(row(result, code)));
        Text text = result.text();
        if (text != null) {
            List<List<@Nullable Object>> windows = new ArrayList<>();
            for (int i = 0; i < text.scored().length; i++) {
                windows.add(Arrays.asList(result.cell(), i, text.scored()[i], text.nll()[i], text.klOf()[i]));
            }
            StudyStore.insert(connection, "windows", windows);
        }
        Choice choice = result.choice();
        if (choice != null) {
            List<List<@Nullable Object>> items = new ArrayList<>();
            for (int i = 0; i < choice.right().length; i++) {
                items.add(Arrays.asList(
                        result.cell(),
                        i,
                        choice.right()[i] == 1,
                        choice.rightNorm().length == 0 ? null : choice.rightNorm()[i] == 1,
                        choice.margin().length == 0 ? null : choice.margin()[i],
                        choice.right()[i],
                        choice.answers().isEmpty() ? null : choice.answers().get(i)));
            }
            StudyStore.insert(connection, "items", items);
        }
    }

    private static List<@Nullable Object> row(CellResult result, String code) {
        List<@Nullable Object> row = new ArrayList<>();
        Failure failure = result.failure();
        row.add(result.cell());
        row.add(failure == null ? "done" : "failed");
        row.add(failure == null ? null : failure.code());
        row.add(failure == null ? null : failure.message());
        Text text = result.text();
        figure(row, text == null ? null : text.perplexity());
        figure(row, text == null ? null : text.kl());
        row.add(text == null ? null : text.klMedian());
        row.add(text == null ? null : text.kl99());
        figure(row, text == null ? null : text.sameTop());
        row.add(text == null ? null : text.referenceError());
        Choice choice = result.choice();
        figure(row, choice == null ? null : choice.accuracy());
        figure(row, choice == null ? null : choice.accuracyNorm());
        row.add(choice == null ? null : choice.chance());
        Packed packed = result.packed();
        row.add(packed == null ? null : packed.bitsPerWeight());
        row.add(packed == null ? null : packed.bitsPerParameter());
        row.add(packed == null ? null : packed.bytes());
        row.add(packed == null ? null : packed.techniques());
        row.add(packed == null ? null : packed.fellBack());
        row.add(packed == null ? null : packed.events());
        row.add(packed == null ? null : packed.quantizeSeconds());
        row.add(result.evaluateSeconds());
        row.add(packed == null ? null : packed.peakMemoryBytes());
        row.add(packed == null ? null : packed.provenance());
        row.add(code);
        return row;
    }

    private static void figure(List<@Nullable Object> row, @Nullable Figure figure) {
        row.add(figure == null ? null : figure.value());
        row.add(figure == null ? null : figure.error());
    }
}
