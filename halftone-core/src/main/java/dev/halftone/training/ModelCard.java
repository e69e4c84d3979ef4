package dev.halftone.training;

import dev.halftone.provenance.Provenance;
import dev.halftone.tensor.ComputeDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The README.md of a trained model: what it learned from, the command, the curve, what it reached, its outliers. */
final class ModelCard {
    /** Rows of the curve's table. */
    private static final int ROWS = 12;

    private final TrainingConfig config;
    private final ComputeDevice device;
    private final String tokenizerHash;
    private final List<JsonNode> log = new ArrayList<>();

    /**
     * @param tokenizerHash SHA-256 of tokenizer.json
     * @param log of {@link TrainingLog}, finished
     */
    ModelCard(TrainingConfig config, ComputeDevice device, String tokenizerHash, Path log) throws IOException {
        this.config = config;
        this.device = device;
        this.tokenizerHash = tokenizerHash;
        for (String line : Files.readAllLines(log)) {
            this.log.add(JsonMapper.shared().readTree(line));
        }
    }

    /** @param hash of everything that the model depends on */
    String text(Trainer.Result result, String hash) {
        String name = config.name().replaceFirst("\\.ya?ml$", "");
        return """
                # %s

                A small language model that Halftone trained: %,d parameters, %,d tokens in %,d steps.

                ## Validation

                Windows of %d tokens, each without what came before it.

                | source | tokens | loss, nats per token | perplexity | bits per byte |
                |---|---|---|---|---|
                %s
                ## Curve

                All of it: [training.html](training.html).

                | step | training loss | validation loss | bits per byte |
                |---|---|---|---|
                %s
                ## Outliers

                After the last step, in one forward pass over the first source's first validation windows. Kurtosis of a Gaussian: 3.

                | site | kurtosis | max / median of absolute values |
                |---|---|---|
                %s
                ## How it was made

                    halftone train %s --data DATA --out %s%s

                | text | source | bytes | SHA-256 |
                |---|---|---|---|
                %s| tokenizer.json | | | %s |

                Configuration, tokenizer and texts together have the SHA-256 %s. The configuration:

                ```yaml
                %s```
                """.formatted(
                        name,
                        result.parameters(),
                        result.trainedTokens(),
                        result.steps(),
                        config.data().sequence(),
                        scores(result.validation()),
                        curve(),
                        outliers(),
                        config.name(),
                        name,
                        device.equals(ComputeDevice.CPU) ? "" : " --device " + device,
                        texts(),
                        tokenizerHash,
                        hash,
                        config.source());
    }

    private static String scores(List<Trainer.Validated> validation) {
        StringBuilder rows = new StringBuilder();
        for (Trainer.Validated row : validation) {
            rows.append(line(
                    "| %s | %d | %.4f | %.3f | %.4f |",
                    row.source(), row.tokens(), row.loss(), row.perplexity(), row.bitsPerByte()));
        }
        return rows.toString();
    }

    /** Some of the validations, evenly spread, the last among them; the training loss is the mean since the one before. */
    private String curve() {
        List<String> rows = new ArrayList<>();
        double sum = 0;
        int steps = 0;
        for (JsonNode line : log) {
            if (line.has("loss")) {
                sum += line.path("loss").asDouble();
                steps++;
            }
            JsonNode all = line.path("validation").path(line.path("validation").size() - 1);
            if (!all.isMissingNode()) {
                rows.add(line(
                        "| %d | %.4f | %.4f | %.4f |",
                        line.path("step").asInt(),
                        sum / Math.max(1, steps),
                        all.path("loss").asDouble(),
                        all.path("bits_per_byte").asDouble()));
                sum = 0;
                steps = 0;
            }
        }
        StringBuilder chosen = new StringBuilder();
        int apart = Math.max(1, Math.ceilDiv(rows.size(), ROWS));
        for (int i = (rows.size() - 1) % apart; i < rows.size(); i += apart) {
            chosen.append(rows.get(i));
        }
        return chosen.toString();
    }

    private String outliers() {
        StringBuilder rows = new StringBuilder();
        for (JsonNode site : log.getLast().path("outliers")) {
            rows.append(line(
                    "| %s | %.2f | %.1f |",
                    site.path("site").asString(),
                    site.path("kurtosis").asDouble(),
                    site.path("max_to_median").asDouble()));
        }
        return rows.toString();
    }

    private String texts() {
        StringBuilder rows = new StringBuilder();
        for (TrainingConfig.Source source : config.data().sources()) {
            for (List<Path> files : List.of(source.train(), source.validation())) {
                for (Path file : files) {
                    rows.append(line(
                            "| %s | %s, %s | %d | %s |",
                            file.getFileName(),
                            source.name(),
                            files.equals(source.train()) ? "training" : "validation",
                            file.toFile().length(),
                            Provenance.sha256(file)));
                }
            }
        }
        return rows.toString();
    }

    private static String line(String pattern, Object... values) {
        return String.format(Locale.ROOT, pattern + "\n", values);
    }
}
