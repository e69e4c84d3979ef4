package dev.halftone.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is stopped in the middle of matrix products, as by Ctrl-C. */
class InterruptionTest {
    @TempDir
    Path directory;

    /** Multiplies for ever. */
    static final class Busy {
        private Busy() {}

        public static void main(String[] arguments) {
            try (Workers workers = new Workers(2)) {
                workers.forEach(Integer.MAX_VALUE, i -> {
                    Tensor x = torch.ones(new long[] {1024, 1024}, new TensorOptions(ScalarType.BFloat16));
                    x.matmul(x);
                    if (i == 0) {
                        System.out.println("busy");
                    }
                });
                System.out.println("finished");
            }
        }
    }

    @Test
    void endsWithoutACrash() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules=jdk.incubator.vector",
                        "--enable-native-access=ALL-UNNAMED",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Busy.class.getName()))
                .directory(directory.toFile())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (var out = process.inputReader(StandardCharsets.UTF_8)) {
            assertThat(out.readLine()).isEqualTo("busy");
            Thread.sleep(200);
            process.toHandle().destroy(); // Process.destroy() would close the streams too
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(out.readLine()).as("what comes after the signal").isNull();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).isEqualTo(128 + 15);
        try (var files = Files.list(directory)) {
            assertThat(files).as("reports of crashes").isEmpty();
        }
    }
}
