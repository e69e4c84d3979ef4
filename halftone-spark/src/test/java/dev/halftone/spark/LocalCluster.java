package dev.halftone.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A standalone Spark cluster on the loopback interface: a master and workers with one core each, every one a process that runs the
 * classes of Spark on this process's class path.
 */
final class LocalCluster implements AutoCloseable {
    private static final Pattern URL = Pattern.compile("Starting Spark master at (spark://\\S+)");
    private static final Pattern JOINED = Pattern.compile("Successfully registered with master");

    private final Path directory;
    private final Process master;
    private final String url;
    private final List<Process> workers = new ArrayList<>();

    /** Starts a master, and waits for it. */
    LocalCluster(Path directory) throws IOException {
        this.directory = Files.createDirectories(directory);
        Path jars = Files.createDirectories(directory.resolve("home").resolve("jars"));
        for (String entry : classPath()) {
            Path jar = Path.of(entry);
            if (entry.endsWith(".jar")) {
                Files.createSymbolicLink(jars.resolve(jar.getFileName()), jar.toAbsolutePath());
            }
        }
        this.master = start("master", "org.apache.spark.deploy.master.Master", List.of());
        this.url = awaited(master, "master", URL);
    }

    private static List<String> classPath() {
        return Arrays.asList(System.getProperty("java.class.path").split(System.getProperty("path.separator")));
    }

    String url() {
        return url;
    }

    /** Starts a worker, and waits until it has joined. */
    Process addWorker() throws IOException {
        String name = "worker" + workers.size();
        Process worker = start(
                name,
                "org.apache.spark.deploy.worker.Worker",
                List.of(
                        "--cores",
                        "1",
                        "--memory",
                        "1g",
                        "--work-dir",
                        directory.resolve(name).toString(),
                        url));
        workers.add(worker);
        awaited(worker, name, JOINED);
        return worker;
    }

    private Process start(String name, String mainClass, List<String> more) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-Dslf4j.provider=org.apache.logging.slf4j.SLF4JServiceProvider",
                "-cp",
                System.getProperty("java.class.path"),
                mainClass,
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--webui-port",
                "0"));
        command.addAll(more);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log(name).toFile());
        builder.environment().put("SPARK_HOME", directory.resolve("home").toString());
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        return builder.start();
    }

    private Path log(String name) {
        return directory.resolve(name + ".log");
    }

    private String awaited(Process process, String name, Pattern pattern) throws IOException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        try {
            while (System.nanoTime() < until && process.isAlive()) {
                Matcher matcher = pattern.matcher(Files.readString(log(name)));
                if (matcher.find()) {
                    return matcher.group(matcher.groupCount());
                }
                Thread.sleep(50);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        String log = Files.readString(log(name));
        close();
        throw new IllegalStateException(name + " did not start:\n" + log);
    }

    /** As if the power of a machine failed: the worker and its executors are gone without a word. */
    static void kill(Process worker) {
        List<ProcessHandle> executors = worker.descendants().toList();
        worker.destroyForcibly();
        executors.forEach(ProcessHandle::destroyForcibly);
    }

    @Override
    public void close() {
        workers.forEach(LocalCluster::kill);
        kill(master);
        try {
            for (Process process : workers) {
                process.waitFor();
            }
            master.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What everybody has said, for a failed test. */
    String logs() {
        try (Stream<Path> files = Files.list(directory)) {
            StringBuilder all = new StringBuilder();
            for (Path file :
                    files.filter(file -> file.toString().endsWith(".log")).toList()) {
                all.append(file.getFileName()).append(":\n").append(Files.readString(file));
            }
            return all.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
