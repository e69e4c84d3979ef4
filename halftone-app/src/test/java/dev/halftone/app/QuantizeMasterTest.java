package dev.halftone.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.TinyModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code quantize --master} refuses where Spark is not on the class path; with Spark it has tests of its own. */
class QuantizeMasterTest {
    @TempDir
    private Path directory = Path.of("");

    private void refused(String code, String found, String recipe, Object... more) throws IOException {
        Path model = TinyModel.write(directory.resolve("tiny"), 1);
        Path out = directory.resolve("out");
        Object[] command = {"quantize", model, "--recipe", recipe, "--out", out, "--master", "local[2]"};
        Object[] all = Stream.of(command, more).flatMap(Arrays::stream).toArray();
        Command run = Command.run(all);
        assertThat(run.code()).isEqualTo(3);
        assertThat(run.err()).contains(code, found);
        assertThat(out).doesNotExist();
    }

    @Test
    void whatCannotBeSpreadIsRefused() throws IOException {
        refused("HT-687", "gptq-w3g16 gives each block", "gptq-w3g16", "--calibration-source", "tokens");
        refused("HT-687", "smoothquant-w8a8 has transforms", "smoothquant-w8a8", "--calibration-source", "tokens");
        refused("HT-687", "--resume goes on in this process", "rtn-w3g16", "--resume");
    }

    @Test
    void aMasterThatNobodyKnowsIsRefused() throws IOException {
        refused("HT-665", "known are local", "rtn-w3g16");
    }
}
