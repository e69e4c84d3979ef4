package dev.halftone.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.halftone.report.Pictures.Picture;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PicturesTest {
    @Test
    void greysAreDrawnAsTheyAreAndCaptionsAreEscaped() throws IOException {
        double[][] rows = {{0, 85, 300}, {-5, 170, 255}};
        String svg = new Pictures("two", List.of(new Picture("a < b", rows), new Picture("other", rows))).svg();
        assertThat(svg).contains("a &lt; b").contains("other").endsWith("</svg>\n");
        Matcher image = Pattern.compile("base64,([^\"]+)").matcher(svg);
        assertThat(image.find()).isTrue();
        var decoded = ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(image.group(1))));
        int[][] expected = {{0, 85, 255}, {0, 170, 255}};
        for (int y = 0; y < 2; y++) {
            for (int x = 0; x < 3; x++) {
                assertThat(decoded.getRGB(x, y) & 0xFFFFFF).isEqualTo(0x010101 * expected[y][x]);
            }
        }
        assertThat(image.find()).isTrue();
        assertThat(new Pictures("none", List.of()).svg()).isEmpty();
    }
}
