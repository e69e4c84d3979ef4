package dev.halftone.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.PlaywrightException;
import dev.halftone.study.report.HtmlPage;
import dev.halftone.study.report.StudyReport;
import dev.halftone.study.studio.Studio;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a real browser: the Chromium that the system has. */
class ReportPageTest {
    private static final int CHANGED = 1;

    @TempDir
    private Path directory = Path.of("");

    /** A page that is open, and what it asked for and complained about. */
    private static void browse(String url, BiConsumer<Page, List<String>> look) {
        Path chromium = Stream.of("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
                .map(Path::of)
                .filter(Files::isExecutable)
                .findFirst()
                .orElse(null);
        assumeTrue(
                chromium != null,
                "no Chromium on this system (Debian: apt-get install chromium): the page is not looked at");
        Playwright.CreateOptions quiet =
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"));
        BrowserType.LaunchOptions installed = new BrowserType.LaunchOptions()
                .setExecutablePath(chromium)
                .setArgs(List.of("--no-sandbox", "--disable-gpu"));
        List<String> seen = new ArrayList<>();
        try (Playwright playwright = Playwright.create(quiet);
                Browser browser = playwright.chromium().launch(installed);
                Page page = browser.newPage()) {
            page.onRequest(request -> seen.add(request.url()));
            page.onConsoleMessage(message -> {
                if (message.type().equals("error")) {
                    seen.add("console: " + message.text());
                }
            });
            page.onPageError(error -> seen.add("error: " + error));
            page.navigate(url);
            try {
                page.waitForSelector("html[data-ready=true]");
            } catch (PlaywrightException e) {
                throw new AssertionError("the page's script did not come to its end: " + seen, e);
            }
            look.accept(page, seen);
        }
    }

    @Test
    void chartsAreDrawnTablesSortAndNothingIsFetched() throws IOException {
        Path file = directory.resolve("report.html");
        Files.writeString(file, HtmlPage.of(StudyReport.of(TinyStudy.shared()), false));
        browse(file.toUri().toString(), (page, seen) -> {
            assertThat(page.locator("#answer p").count()).isEqualTo(3);
            int charts = page.locator(".chart").count();
            assertThat(charts).isGreaterThan(10);
            assertThat(page.locator(".chart[data-drawn=true]").count()).isEqualTo(charts);
            Object blank = page.evaluate("""
                    () => [...document.querySelectorAll('.chart')].filter(chart => {
                        const canvas = chart.querySelector('canvas');
                        const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                        const colors = new Set();
                        for (let i = 0; i < pixels.length; i += 4) colors.add(pixels[i] * 65536 + pixels[i + 1] * 256 + pixels[i + 2]);
                        return colors.size < 4;
                    }).map(chart => chart.getAttribute('aria-label'))""");
            assertThat(blank).isEqualTo(List.of());
            String column = "#cells tbody td:nth-child(6)";
            List<Double> before = numbers(page, column);
            page.locator("#cells th", new Page.LocatorOptions().setHasText("KL"))
                    .first()
                    .click();
            List<Double> rising = numbers(page, column);
            assertThat(rising).hasSameSizeAs(before).isSorted().isNotEqualTo(before);
            page.locator("#cells th", new Page.LocatorOptions().setHasText("KL"))
                    .first()
                    .click();
            assertThat(numbers(page, column)).isEqualTo(rising.reversed());
            assertThat(page.locator("#cells th[aria-sort=descending]").count()).isEqualTo(1);
            assertThat(seen).containsExactly(file.toUri().toString());
        });
    }

    private static List<Double> numbers(Page page, String selector) {
        return page.locator(selector).allTextContents().stream()
                .filter(text -> !text.isEmpty()) // tasks have no divergence
                .map(Double::valueOf)
                .toList();
    }

    @Test
    void theStudioServesThePageToThisMachineAndDrawsNewCells() throws Exception {
        Path study = directory.resolve("live");
        Path file = TinyStudy.write(directory);
        TinyStudy.Told stopping = new TinyStudy.Told() {
            @Override
            public void cells(
                    dev.halftone.study.plan.Job job,
                    List<dev.halftone.study.plan.CellResult> finished,
                    int done,
                    int total) {
                if (done == 4) {
                    throw new IllegalStateException("stopped");
                }
            }
        };
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> TinyStudy.run(file, study, stopping, false))
                .hasMessage("stopped");
        try (Studio studio = new Studio(study, 0)) {
            assertThat(studio.address().getHost()).isEqualTo("127.0.0.1");
            assertThat(get(studio.address().resolve("data.json")).body()).contains("\"done\":4,");
            assertThat(get(studio.address().resolve("elsewhere")).statusCode()).isEqualTo(404);
            browse(studio.address().toString(), (page, seen) -> {
                assertThat(page.locator(".progress").count()).isEqualTo(1);
                TinyStudy.run(file, study, new TinyStudy.Told(), false);
                page.waitForSelector(
                        ".progress",
                        new Page.WaitForSelectorOptions()
                                .setState(com.microsoft.playwright.options.WaitForSelectorState.DETACHED));
                assertThat(page.locator(".chips").textContent()).contains("22 of 22 cells");
                assertThat(seen)
                        .allSatisfy(url ->
                                assertThat(url).startsWith(studio.address().toString()));
                assertThat(seen.size()).isGreaterThan(CHANGED);
            });
        }
    }

    private static HttpResponse<String> get(URI address) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            return client.send(HttpRequest.newBuilder(address).build(), HttpResponse.BodyHandlers.ofString());
        }
    }
}
