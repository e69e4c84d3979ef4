package dev.halftone.server;

import io.prometheus.metrics.config.EscapingScheme;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.function.IntSupplier;

/** What is counted, in the text format of Prometheus. */
final class Metrics {
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private static final double[] SECONDS = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120};

    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final Counter requests = Counter.builder()
            .name("halftone_requests_total")
            .help("Requests that were answered, by path and HTTP status")
            .labelNames("path", "status")
            .register(registry);
    private final Counter cancelled = Counter.builder()
            .name("halftone_cancelled_requests_total")
            .help("Requests whose client went away, or whose time was over")
            .register(registry);
    private final Counter promptTokens = Counter.builder()
            .name("halftone_prompt_tokens_total")
            .help("Tokens of prompts that were read")
            .register(registry);
    private final Counter generatedTokens = Counter.builder()
            .name("halftone_generated_tokens_total")
            .help("Tokens that were written")
            .register(registry);
    private final Counter steps = Counter.builder()
            .name("halftone_engine_steps_total")
            .help("Steps of the engine")
            .register(registry);
    private final Histogram firstToken = Histogram.builder()
            .name("halftone_time_to_first_token_seconds")
            .help("From a sequence's arrival to its first token")
            .classicOnly()
            .classicUpperBounds(SECONDS)
            .register(registry);
    private final Histogram whole = Histogram.builder()
            .name("halftone_request_seconds")
            .help("From a sequence's arrival to its last token")
            .classicOnly()
            .classicUpperBounds(SECONDS)
            .register(registry);

    /** @param running sequences that are computed; waiting likewise */
    void watch(IntSupplier running, IntSupplier waiting) {
        gauge("halftone_running_sequences", "Sequences that are computed", running);
        gauge("halftone_waiting_sequences", "Sequences in the queue", waiting);
    }

    private void gauge(String name, String help, IntSupplier value) {
        GaugeWithCallback.builder()
                .name(name)
                .help(help)
                .callback(callback -> callback.call(value.getAsInt()))
                .register(registry);
    }

    void answered(String path, int status) {
        requests.labelValues(path, String.valueOf(status)).inc();
    }

    void cancelled() {
        cancelled.inc();
    }

    void stepped() {
        steps.inc();
    }

    void promptRead(int tokens) {
        promptTokens.inc(tokens);
    }

    void tokenWritten() {
        generatedTokens.inc();
    }

    void firstToken(double seconds) {
        firstToken.observe(seconds);
    }

    void finished(double seconds) {
        whole.observe(seconds);
    }

    String text() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            PrometheusTextFormatWriter.create().write(out, registry.scrape(), EscapingScheme.UNDERSCORE_ESCAPING);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}
