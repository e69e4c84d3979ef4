package dev.halftone.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class PageTest {
    @Test
    void aPageFetchesNothingAndEscapesItsTexts() {
        String html = new Page("a < b & c")
                .heading("h")
                .paragraph("<script>")
                .table(List.of("x"), List.of(List.of("\"1\"")))
                .add(new LineChart("l", Axis.LINEAR, Axis.LOG10).add("c", 0, 1).add("c", 5, 3))
                .add(new HeatMap("m", "row", "column", new double[][] {{1, 2}, {3, 4}}))
                .html();
        assertThat(html)
                .contains("a &lt; b &amp; c", "&lt;script&gt;", "&quot;1&quot;")
                .doesNotContain("http", "src=", "<script>", "url(");
        Matcher links = Pattern.compile("href=\"(.{22})").matcher(html);
        assertThat(links.results().map(match -> match.group(1)))
                .isNotEmpty()
                .allMatch("data:image/png;base64,"::equals);
    }

    @Test
    void aMapIsAPictureWithAPixelPerValueBrighterForLargerOnes() throws IOException {
        String svg = new HeatMap("m", "row", "column", new double[][] {{0, 1, 10}, {100, 1000, 0}}).svg();
        Matcher picture = Pattern.compile("base64,([^\"]+)").matcher(svg);
        assertThat(picture.find()).isTrue();
        BufferedImage image =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(picture.group(1))));
        assertThat(image.getWidth()).isEqualTo(3);
        assertThat(image.getHeight()).isEqualTo(2);
        assertThat(image.getRGB(0, 0)).isEqualTo(0xFF00000A);
        assertThat(image.getRGB(1, 1)).isEqualTo(0xFFFCFFBE);
        assertThat(green(image, 1, 0)).isLessThan(green(image, 2, 0));
        assertThat(green(image, 2, 0)).isLessThan(green(image, 0, 1));
    }

    @Test
    void wideMapsKeepTheLargestOfNeighbours() throws IOException {
        double[][] values = new double[1][5000];
        values[0][4321] = 9;
        values[0][100] = 3;
        String svg = new HeatMap("m", "row", "column", values).svg();
        Matcher picture = Pattern.compile("base64,([^\"]+)").matcher(svg);
        assertThat(picture.find()).isTrue();
        BufferedImage image =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(picture.group(1))));
        assertThat(image.getWidth()).isEqualTo(1200);
        assertThat(image.getRGB(4321 * 1200 / 5000, 0)).isEqualTo(0xFFFCFFBE);
    }

    @Test
    void ticksAreRoundNumbers() {
        assertThat(Axis.LINEAR.ticks(0, 29)).containsExactly(0, 5, 10, 15, 20, 25);
        assertThat(Axis.LINEAR.ticks(0.0015, 0.6505)).hasSize(6);
        assertThat(Axis.LOG10.ticks(0.55, 5.8)).containsExactly(1, 2, 3, 4, 5);
        assertThat(Axis.LOG2.ticks(-19.9, 3.2)).containsExactly(-15, -10, -5, 0);
        assertThat(List.of(Axis.LOG10.label(2), Axis.LOG10.label(-1), Axis.LINEAR.label(0.25), Axis.LOG2.label(-5)))
                .containsExactly("100", "0.1", "0.25", "2^-5");
        assertThat(new LineChart("empty", Axis.LINEAR, Axis.LINEAR).svg()).isEmpty();
        assertThat(new HeatMap("zeros", "row", "column", new double[2][2]).svg())
                .isEmpty();
    }

    private static int green(BufferedImage image, int x, int y) {
        return image.getRGB(x, y) >> 8 & 0xFF;
    }
}
