package dev.halftone.spark;

import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;
import org.apache.logging.log4j.core.config.Configurator;

/** Spark's messages: in a file, where they are to be found when something went wrong, and not on the terminal. */
final class SparkLog {
    private static final String CONFIGURATION = "/halftone-spark-log4j2.properties";

    private SparkLog() {}

    /** Sends them to a file from now on, which is made when there is something to say. */
    static void to(Path file) {
        System.setProperty("halftone.spark.log", file.toString());
        Configurator.reconfigure(location());
    }

    private static URI location() {
        URL resource = SparkLog.class.getResource(CONFIGURATION);
        try {
            return Objects.requireNonNull(resource, CONFIGURATION).toURI();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
