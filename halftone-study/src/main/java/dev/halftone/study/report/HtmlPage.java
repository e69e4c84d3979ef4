package dev.halftone.study.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * A study's page: document, script, style and chart library in one file. A content security policy forbids it to fetch anything,
 * but a live page its own document.
 */
public final class HtmlPage {
    private HtmlPage() {}

    /**
     * The page.
     *
     * @param live asks the server it came from for newer documents
     */
    public static String of(ReportDocument document, boolean live) {
        return resource("page.html")
                .replace("{{connect}}", live ? "'self'" : "'none'")
                .replace("{{title}}", escaped(document.study()))
                .replace("{{style}}", resource("page.css"))
                .replace(
                        "{{script}}", resource("page.js") + resource("findings.js") + (live ? resource("live.js") : ""))
                .replace("{{data}}", inScript(DocumentJson.compact(document)))
                .replace("{{echarts}}", echarts());
    }

    /** JSON that cannot end the script element it stands in. */
    private static String inScript(String json) {
        return json.replace("<", "\\u003c");
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;");
    }

    /** The library from its WebJar, whose version is the build's. */
    private static String echarts() {
        String version = build().getProperty("echarts");
        return resource("/META-INF/resources/webjars/echarts/" + version + "/dist/echarts.min.js");
    }

    private static Properties build() {
        Properties properties = new Properties();
        try (InputStream in = HtmlPage.class.getResourceAsStream("build.properties")) {
            if (in == null) {
                throw new IllegalStateException("build.properties is missing from the jar");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties;
    }

    private static String resource(String path) {
        try (InputStream in = HtmlPage.class.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalStateException(path + " is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
