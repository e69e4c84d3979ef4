package dev.halftone.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A standalone cluster on the loopback interface: a master and workers with one core each, every one a process of the Spark
 * distribution in SPARK_HOME. The archives on this process's class path are too few for them: a master has web pages.
 */
final class StandaloneCluster implements AutoCloseable {
    private static final Pattern URL = Pattern.compile("Starting Spark master at (spark://\\S+)");
    private static final Pattern JOINED = Pattern.compile("Successfully registered with master");
    private static final long START_SECONDS = 120;

    private final Path home;
    private final Path directory;
    private final List<Process> processes = new ArrayList<>();
    private final String url;

    /**
     * Starts a master, and waits for it.
     *
     * @param home of the distribution
     * @param directory for logs and what workers keep
     */
    StandaloneCluster(Path home, Path directory) throws IOException {
        this.home = home;
        this.directory = Files.createDirectories(directory);
        Process master = start("master", "org.apache.spark.deploy.master.Master", List.of());
        this.url = awaited(master, "master", URL);
    }

    String url() {
        return url;
    }

    /** Starts a worker, and waits until it has joined. */
    Process addWorker() throws IOException {
        String name = "worker" + processes.size();
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
        awaited(worker, name, JOINED);
        return worker;
    }

    private Process start(String name, String mainClass, List<String> more) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                // On a busy machine a process that waits for its turn is not dead.
                "-Dspark.worker.timeout=600",
                "--add-opens=java.base/java.nio=ALL-UNNAMED",
                "-cp",
                home.resolve("jars") + "/*",
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
        builder.environment().put("SPARK_HOME", home.toString());
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        // Spark's own scripts set it, and a worker starts no executor without it.
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private Path log(String name) {
        return directory.resolve(name + ".log");
    }

    private String awaited(Process process, String name, Pattern pattern) throws IOException {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        try {
            while (System.nanoTime() < until && process.isAlive()) {
                Matcher matcher = pattern.matcher(Files.readString(log(name)));
                if (matcher.find()) {
                    return matcher.group(matcher.groupCount());
                }
                Thread.sleep(50);
            }
        } catch (InterruptedException _) {
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
        processes.reversed().forEach(StandaloneCluster::kill);
        try {
            for (Process process : processes) {
                process.waitFor();
            }
        } catch (InterruptedException _) {
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
