package dev.halftone.study.store;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import dev.halftone.study.plan.CellResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * A study's DuckDB file. It is open only while something is read or written, so that others can look into it between two cells;
 * whoever finds it open waits. Each write is one transaction: a killed process leaves whole cells or none.
 */
public final class StudyStore {
    /** Its name in the study's directory. */
    public static final String NAME = "study.duckdb";

    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration PAUSE = Duration.ofMillis(100);
    private final Path file;

    private StudyStore(Path file) {
        this.file = file;
    }

    /** The store of a study's directory; made if it is not there. */
    public static StudyStore create(Path directory) {
        StudyStore store = new StudyStore(directory.resolve(NAME));
        store.write(connection -> {
            try (Statement statement = connection.createStatement()) {
                for (String sql : Schema.statements()) {
                    statement.execute(sql);
                }
                statement.execute("INSERT OR IGNORE INTO meta VALUES ('schema', '" + Schema.VERSION + "')");
            }
        });
        store.checkVersion();
        return store;
    }

    /**
     * The store of a directory in which a study has run.
     *
     * @throws InputException HT-662 if none has, HT-663 for a store of another version
     */
    public static StudyStore open(Path directory) {
        Path file = directory.resolve(NAME);
        if (!Files.isRegularFile(file)) {
            throw new InputException(
                    "HT-662",
                    directory.toString(),
                    "holds no study",
                    "run halftone study STUDY.yaml --out " + directory);
        }
        StudyStore store = new StudyStore(file);
        store.checkVersion();
        return store;
    }

    /** The version of the tables that this build writes. */
    public static int schema() {
        return Schema.VERSION;
    }

    private void checkVersion() {
        List<String> version = read("SELECT value FROM meta WHERE key = 'schema'", rows -> rows.getString(1));
        if (!version.equals(List.of(String.valueOf(Schema.VERSION)))) {
            throw new InputException(
                    "HT-663",
                    file.toString(),
                    "is a store of version " + version + "; this build reads version " + Schema.VERSION,
                    "use another --out, or the Halftone that wrote it");
        }
    }

    /** Work on an open connection. */
    @FunctionalInterface
    public interface Work {
        void on(Connection connection) throws SQLException;
    }

    /** A row of a result. */
    @FunctionalInterface
    public interface Row<T> {
        T of(ResultSet rows) throws SQLException;
    }

    /** Rows of a query, in its order. */
    public <T> List<T> read(String sql, Row<T> row) {
        List<T> all = new ArrayList<>();
        use(true, connection -> {
            try (Statement statement = connection.createStatement();
                    ResultSet rows = statement.executeQuery(sql)) {
                while (rows.next()) {
                    all.add(row.of(rows));
                }
            }
        });
        return all;
    }

    /** All of it or nothing. */
    public void write(Work work) {
        use(false, connection -> {
            connection.setAutoCommit(false);
            work.on(connection);
            connection.commit();
        });
    }

    private void use(boolean readOnly, Work work) {
        try (Connection connection = connect(readOnly)) {
            work.on(connection);
        } catch (SQLException e) {
            throw failed(e);
        }
    }

    /** Waits while another process, or another part of this one, has the file open in a way that does not go with this one. */
    private Connection connect(boolean readOnly) {
        Properties properties = new Properties();
        properties.setProperty("duckdb.read_only", String.valueOf(readOnly));
        long until = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            try {
                Connection connection = DriverManager.getConnection("jdbc:duckdb:" + file, properties);
                NativeCopy.delete();
                return connection;
            } catch (SQLException e) {
                if (System.nanoTime() > until || !isBusy(e)) {
                    throw failed(e);
                }
                pause();
            }
        }
    }

    private static boolean isBusy(SQLException e) {
        String message = String.valueOf(e.getMessage());
        return message.contains("lock")
                || message.contains("already attached")
                || message.contains("different configuration")
                || message.contains("being used");
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the study's store was busy", e);
        }
    }

    private ResourceException failed(SQLException e) {
        return new ResourceException(
                "HT-664",
                file.toString(),
                "the store cannot be used: " + e.getMessage(),
                "close what else has it open, and check the disk");
    }

    /** Keys of the cells that are in the store, by how they ended. */
    public List<String> keys(boolean failed) {
        return read(
                "SELECT cell FROM cells WHERE status = '" + (failed ? "failed" : "done") + "'",
                rows -> rows.getString(1));
    }

    /**
     * Adds the cells of a job.
     *
     * @param code what computed them
     */
    public void add(Collection<CellResult> results, String code) {
        write(connection -> {
            for (CellResult result : results) {
                CellRows.add(connection, result, code);
            }
        });
    }

    /** Replaces all rows of a table. */
    public static void replace(Connection connection, String table, List<List<@Nullable Object>> rows)
            throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("DELETE FROM " + table);
        }
        insert(connection, table, rows);
    }

    /** Adds rows to a table. */
    public static void insert(Connection connection, String table, List<List<@Nullable Object>> rows)
            throws SQLException {
        if (rows.isEmpty()) {
            return;
        }
        String places = "?" + ", ?".repeat(rows.getFirst().size() - 1);
        try (PreparedStatement statement =
                connection.prepareStatement("INSERT INTO " + table + " VALUES (" + places + ")")) {
            for (List<@Nullable Object> row : rows) {
                for (int i = 0; i < row.size(); i++) {
                    statement.setObject(i + 1, row.get(i));
                }
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    /**
     * Writes every table, and the view of all results, as a file of its own.
     *
     * @param format parquet or csv
     * @return the files
     */
    public List<Path> export(String format, Path directory) {
        List<String> names = new ArrayList<>(Schema.TABLES);
        names.add("results");
        List<Path> files = names.stream()
                .map(name -> directory.resolve(name + "." + format))
                .toList();
        String options = format.equals("csv") ? "FORMAT csv, HEADER" : "FORMAT parquet";
        use(true, connection -> {
            try (Statement statement = connection.createStatement()) {
                for (int i = 0; i < files.size(); i++) {
                    statement.execute("COPY (SELECT * FROM %s) TO '%s' (%s)"
                            .formatted(names.get(i), files.get(i).toString().replace("'", "''"), options));
                }
            }
        });
        return files;
    }
}
