package dev.halftone.spark;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;

/**
 * How Spark is asked to run. A system property {@code spark.*} of this process comes before anything here, as in every Spark program.
 *
 * <p>An executor loads Halftone as this process does, from the same paths: models, texts and results must be seen by every worker
 * anyway, and the native libraries among the archives are too large to be sent for every run.
 */
final class SparkSettings {
    /** Environment variables that an executor needs as this process has them: the C library's, and where models lie. */
    private static final List<String> PASSED = List.of(
            "MALLOC_TRIM_THRESHOLD_",
            "MALLOC_MMAP_THRESHOLD_",
            "HF_HOME",
            "HF_HUB_CACHE",
            "HUGGINGFACE_HUB_CACHE",
            "XDG_CACHE_HOME");

    private SparkSettings() {}

    /**
     * For one application.
     *
     * @param threads of a task
     * @param scratch where this process may keep what Spark wants to keep
     */
    static SparkConf of(SparkMaster master, int threads, Path scratch) {
        SparkConf conf = new SparkConf(true)
                .setMaster(master.url())
                .setIfMissing("spark.app.name", "halftone")
                .setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.local.dir", scratch.toString())
                .set("spark.task.cpus", String.valueOf(threads));
        switch (master) {
            case SparkMaster.Local _ ->
                conf.setIfMissing("spark.driver.host", "127.0.0.1")
                        .setIfMissing("spark.driver.bindAddress", "127.0.0.1");
            case SparkMaster.Standalone _ -> executors(conf);
        }
        return conf;
    }

    private static void executors(SparkConf conf) {
        conf.setIfMissing("spark.executor.memory", "2g")
                .setIfMissing("spark.executor.extraClassPath", System.getProperty("java.class.path", ""))
                .set(
                        "spark.executor.extraJavaOptions",
                        (conf.get("spark.executor.extraJavaOptions", "") + " " + javaOptions()).strip());
        Map<String, String> environment = System.getenv();
        for (String name : PASSED) {
            String value = environment.get(name);
            if (value != null) {
                conf.setIfMissing("spark.executorEnv." + name, value);
            }
        }
    }

    /** As the launcher starts this process, but for what only the driver needs. Spark itself adds the packages that it opens. */
    private static String javaOptions() {
        Stream<String> own = Stream.of(
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseParallelGC",
                "-XX:MaxNewSize=256m",
                // Two implementations lie on the class path: silence for the command line, the cluster's for executors.
                "-Dslf4j.provider=org.apache.logging.slf4j.SLF4JServiceProvider");
        Stream<String> passed = Stream.of("halftone.home", "halftone.kernels")
                .filter(name -> !System.getProperty(name, "").isEmpty())
                .map(name -> "\"-D" + name + "=" + System.getProperty(name, "") + "\"");
        return Stream.concat(own, passed).collect(Collectors.joining(" "));
    }
}
