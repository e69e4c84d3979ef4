package dev.halftone.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.halftone.error.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TextFilesTest {
    @TempDir
    Path directory = Path.of("");

    @Test
    void aTextIsReadAsItIs() throws IOException {
        String text = "\uFEFFa\r\nb \uD83D\uDE80\n";
        Path file = Files.writeString(directory.resolve("a.txt"), text);
        assertThat(TextFiles.read(file)).isEqualTo(text);
    }

    @Test
    void anAbsentFileAndADirectoryAreNamed() {
        assertThatThrownBy(() -> TextFiles.read(directory.resolve("none.txt")))
                .isInstanceOf(InputException.class)
                .hasMessageStartingWith("HT-265 ")
                .hasMessageContaining("none.txt: no such file");
        assertThatThrownBy(() -> TextFiles.read(directory)).hasMessageContaining("is a directory");
    }

    @Test
    void anEmptyFileIsRefused() throws IOException {
        Path file = Files.createFile(directory.resolve("empty.txt"));
        assertThatThrownBy(() -> TextFiles.read(file)).hasMessageStartingWith("HT-266 ");
    }

    @Test
    void theFirstByteThatIsNotUtf8IsNamedWithItsOffset() throws IOException {
        byte[] latin = "na\u00EFve caf\u00E9".getBytes(StandardCharsets.ISO_8859_1);
        Path file = Files.write(directory.resolve("latin.txt"), latin);
        assertThatThrownBy(() -> TextFiles.read(file))
                .hasMessageStartingWith("HT-267 ")
                .hasMessageContaining("byte 0xEF at offset 2 is not UTF-8");
    }

    @Test
    void aTextThatEndsInsideACharacterIsRefused() throws IOException {
        byte[] cut = {'a', 'b', (byte) 0xE2, (byte) 0x82};
        Path file = Files.write(directory.resolve("cut.txt"), cut);
        assertThatThrownBy(() -> TextFiles.read(file)).hasMessageContaining("byte 0xE2 at offset 2");
    }
}
