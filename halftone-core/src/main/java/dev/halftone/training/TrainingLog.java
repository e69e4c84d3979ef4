package dev.halftone.training;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        Map<String, List<Curves.Point>> loss = new LinkedHashMap<>();
        Map<String, List<Curves.Point>> bits = new LinkedHashMap<>();
        Map<String, List<Curves.Point>> kurtosis = new LinkedHashMap<>();
        Map<String, List<Curves.Point>> ratio = new LinkedHashMap<>();
        Map<String, List<Curves.Point>> rate = new LinkedHashMap<>();
        List<JsonNode> trained = new ArrayList<>();
        for (String text : Files.readAllLines(file)) {
            JsonNode line = JsonMapper.shared().readTree(text);
            double step = line.path("step").asDouble();
            if (line.has("loss")) {
                trained.add(line);
            }
            for (JsonNode score : line.path("validation")) {
                String source = score.path("source").asString();
                add(loss, "validation " + source, step, score.path("loss").asDouble());
                add(bits, source, step, score.path("bits_per_byte").asDouble());
            }
            for (JsonNode site : line.path("outliers")) {
                String name = site.path("site").asString();
                if (name.matches(".*\\.\\d+\\.output")) {
                    add(kurtosis, name, step, site.path("kurtosis").asDouble());
                    add(ratio, name, step, site.path("max_to_median").asDouble());
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
            add(loss, "training", step, mean);
            add(rate, "rate", step, some.getLast().path("rate").asDouble());
        }
        Curves curves = new Curves("Training");
        curves.add("Loss, nats per token", loss);
        curves.add("Validation, bits per byte", bits);
        curves.add("Residual stream: kurtosis (Gaussian: 3)", kurtosis);
        curves.add("Residual stream: max to median of |x|", ratio);
        curves.add("Learning rate", rate);
        return curves.html();
    }

    private static void add(Map<String, List<Curves.Point>> curves, String name, double step, double value) {
        curves.computeIfAbsent(name, _ -> new ArrayList<>()).add(new Curves.Point(step, value));
    }
}
