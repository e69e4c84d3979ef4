package dev.halftone.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a real browser: the Chromium that the system has. */
class ChatPageTest {
    @Test
    void oneCanChatWithTheKeyboardAlone(@TempDir Path directory) throws Exception {
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
        try (TinyServer tiny = new TinyServer(directory.resolve("model"));
                Playwright playwright = Playwright.create(quiet);
                Browser browser = playwright.chromium().launch(installed);
                Page page = browser.newPage()) {
            page.onRequest(request -> seen.add(request.url()));
            page.onPageError(error -> seen.add("error: " + error));
            page.onConsoleMessage(message -> {
                if (message.type().equals("error")) {
                    seen.add("console: " + message.text());
                }
            });
            page.navigate(tiny.at("").toString());
            page.waitForSelector("html[data-ready=true]");
            assertThat(page.title()).isEqualTo("tiny - Halftone");
            assertThat(page.locator("#about").textContent()).startsWith("Chat").contains("512 tokens");
            page.keyboard().type("hello");
            page.keyboard().press("Enter");
            page.waitForSelector("#speed:has-text('tokens')");
            assertThat(page.locator(".message.user .text").textContent()).isEqualTo("hello");
            assertThat(page.locator(".message.assistant .text").textContent()).isNotEmpty();
            assertThat(page.locator("#text").inputValue()).isEmpty();
            page.locator("#clear").click();
            assertThat(page.locator(".message").count()).isZero();
            stopped(tiny, page);
            assertThat(seen)
                    .allSatisfy(url -> assertThat(url).startsWith(tiny.at("").toString()));
        }
    }

    /** A long answer is stopped by the keyboard, and the server computes no more of it. */
    private static void stopped(TinyServer tiny, Page page) throws InterruptedException {
        page.locator("#temperature").fill("0");
        page.locator("#tokens").fill("450");
        page.locator("#text").fill("a long one");
        page.locator("#text").press("Enter");
        page.locator(".message.assistant").waitFor();
        page.keyboard().press("Escape");
        page.waitForSelector("#send:not([disabled])");
        tiny.awaitIdle();
    }
}
