package dev.halftone.training;

import dev.halftone.report.Axis;
import dev.halftone.report.LineChart;
import dev.halftone.report.Page;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One JSON object a line: {@code step, tokens, loss, gradient_norm, rate} of each step, and after a validation {@code step,
 * validation: [{source, tokens, loss, perplexity, bits_per_byte}], outliers: [{site, kurtosis, max_to_median}]}. A page with
 * the curves is drawn anew at each validation.
 */
record TrainingLog(Path file, Path page) {
    /** Of a curve; of more steps, neighbours become their mean. */
    private static final int POINTS = 600;

    void step(int step, long tokens, TrainingStep.Result result, double rate) throws IOException {
        append(JsonMapper.shared()
                .createObjectNode()
                .put("step", step)
                .put("tokens", tokens)
                .put("loss", result.loss())
                .put("gradient_norm", result.norm())
                .put("rate", rate));
    }

    void validated(int step, List<Validation.Score> scores, List<OutlierMetrics.Site> outliers) throws IOException {
        ObjectNode line = JsonMapper.shared().createObjectNode().put("step", step);
        ArrayNode validation = line.putArray("validation");
        for (Validation.Score score : scores) {
            validation
                    .addObject()
                    .put("source", score.source())
                    .put("tokens", score.tokens())
                    .put("loss", score.loss())
                    .put("perplexity", score.perplexity())
                    .put("bits_per_byte", score.bitsPerByte());
        }
        ArrayNode sites = line.putArray("outliers");
        for (OutlierMetrics.Site site : outliers) {
            sites.addObject()
                    .put("site", site.name())
                    .put("kurtosis", site.kurtosis())
                    .put("max_to_median", site.maxToMedian());
        }
        append(line);
        Files.writeString(page, draw());
    }

    private void append(ObjectNode line) throws IOException {
        Files.writeString(file, line + "\n", StandardOpenOption.APPEND);
    }

    private String draw() throws IOException {
        LineChart loss = chart("Loss, nats per token");
        LineChart bits = chart("Validation, bits per byte");
        LineChart kurtosis = chart("Residual stream: kurtosis (Gaussian: 3)");
        LineChart ratio = chart("Residual stream: max to median of |x|");
        LineChart rate = chart("Learning rate");
        List<JsonNode> trained = new ArrayList<>();
        for (String text : Files.readAllLines(file)) {
            JsonNode line = JsonMapper.shared().readTree(text);
            double step = line.path("step").asDouble();
            if (line.has("loss")) {
                trained.add(line);
            }
            for (JsonNode score : line.path("validation")) {
                String source = score.path("source").asString();
                loss.add("validation " + source, step, score.path("loss").asDouble());
                bits.add(source, step, score.path("bits_per_byte").asDouble());
            }
            for (JsonNode site : line.path("outliers")) {
                String name = site.path("site").asString();
                if (name.matches(".*\\.\\d+\\.output")) {
                    kurtosis.add(name, step, site.path("kurtosis").asDouble());
                    ratio.add(name, step, site.path("max_to_median").asDouble());
                }
            }
        }
        int apart = Math.max(1, Math.ceilDiv(trained.size(), POINTS));
        for (int i = 0; i < trained.size(); i += apart) {
            List<JsonNode> some = trained.subList(i, Math.min(trained.size(), i + apart));
            double step = some.getLast().path("step").asDouble();
            double mean = some.stream()
                    .mapToDouble(line -> line.path("loss").asDouble())
                    .average()
                    .orElseThrow();
            loss.add("training", step, mean);
            rate.add("rate", step, some.getLast().path("rate").asDouble());
        }
        Page page = new Page("Training");
        List.of(loss, bits, kurtosis, ratio, rate).forEach(page::add);
        return page.html();
    }

    private static LineChart chart(String name) {
        return new LineChart(name, Axis.LINEAR, Axis.LINEAR);
    }
}
