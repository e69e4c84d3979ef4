package dev.halftone.study.store;

import java.lang.reflect.RecordComponent;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Rows as records: a component takes the column that has its name in snake case. An SQL null becomes null, NaN for a {@code double}.
 *
 * @param <T> a record of strings, numbers and truths
 */
public final class RecordRow<T extends Record> implements StudyStore.Row<T> {
    private final Class<T> type;
    private final Class<?>[] types;
    private final String[] columns;

    private RecordRow(Class<T> type) {
        RecordComponent[] components = type.getRecordComponents();
        this.type = type;
        this.types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
        this.columns = Arrays.stream(components)
                .map(component ->
                        component.getName().replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT))
                .toArray(String[]::new);
    }

    /** Rows as records of this type. */
    public static <T extends Record> RecordRow<T> of(Class<T> type) {
        return new RecordRow<>(type);
    }

    @Override
    public T of(ResultSet rows) throws SQLException {
        @Nullable Object[] values = new @Nullable Object[types.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = value(rows, columns[i], types[i]);
        }
        try {
            return type.getDeclaredConstructor(types).newInstance(values);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("a row is no " + type.getSimpleName(), e);
        }
    }

    private static @Nullable Object value(ResultSet rows, String column, Class<?> type) throws SQLException {
        if (type == String.class) {
            return rows.getString(column);
        }
        Object value = switch (type.getSimpleName()) {
            case "boolean" -> rows.getBoolean(column);
            case "int", "Integer" -> rows.getInt(column);
            case "long" -> rows.getLong(column);
            case "double", "Double" -> rows.getDouble(column);
            default -> throw new IllegalStateException(column + " is a " + type);
        };
        if (!rows.wasNull()) {
            return value;
        }
        return type == double.class ? (Object) Double.NaN : type.isPrimitive() ? value : null;
    }
}
