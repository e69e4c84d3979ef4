package dev.halftone.report;

import java.util.List;
import java.util.Locale;

/** An HTML page in one file, put together from top to bottom. */
public final class Page {
    private final StringBuilder body = new StringBuilder();
    private final String title;

    public Page(String title) {
        this.title = title;
    }

    /** A heading with a number of charts, tables or paragraphs to follow. */
    public Page heading(String text) {
        body.append("<h2>").append(escape(text)).append("</h2>\n");
        return this;
    }

    public Page paragraph(String text) {
        body.append("<p>").append(escape(text)).append("</p>\n");
        return this;
    }

    /** Sentences one below the other. */
    public Page list(List<String> items) {
        body.append("<ul>\n");
        items.forEach(item -> body.append("<li>").append(escape(item)).append("</li>\n"));
        body.append("</ul>\n");
        return this;
    }

    /** A chart: nothing where it has nothing to show. */
    public Page add(Chart chart) {
        body.append(chart.svg());
        return this;
    }

    /**
     * A table.
     *
     * @param rows each as long as the header
     */
    public Page table(List<String> header, List<List<String>> rows) {
        body.append("<table><tr>");
        header.forEach(cell -> body.append("<th>").append(escape(cell)).append("</th>"));
        body.append("</tr>\n");
        for (List<String> row : rows) {
            body.append("<tr>");
            row.forEach(cell -> body.append("<td>").append(escape(cell)).append("</td>"));
            body.append("</tr>\n");
        }
        body.append("</table>\n");
        return this;
    }

    /** The whole page. */
    public String html() {
        return """
                <!doctype html>
                <html lang="en"><head><meta charset="utf-8"><title>%s</title>
                <style>
                body{font:14px sans-serif;max-width:900px;margin:20px auto;padding:0 12px;color:#222}
                h1{font-size:22px}h2{font-size:17px;margin:28px 0 6px}h3{font-size:14px;margin:14px 0 2px}
                svg{width:100%%;display:block}text{font-size:11px;fill:#333}
                table{border-collapse:collapse;margin:8px 0;width:100%%}td,th{padding:2px 8px;text-align:right;font-size:12px}
                td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f4f4f4}
                p{margin:4px 0}ul{padding-left:18px}li{margin:3px 0}.legend span{margin-right:12px;font-size:12px;white-space:nowrap}
                </style>
                </head><body><h1>%s</h1>
                %s</body></html>
                """.formatted(escape(title), escape(title), body);
    }

    static String format(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern, values);
    }

    static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
