package dev.halftone.study.analysis;

/** What a cell is judged by. */
public enum Metric {
    /** Divergence from the full-precision model, nats per token. */
    KL("kl", "KL divergence from full precision", false),
    /** ln of the perplexity. */
    LN_PERPLEXITY("ln_perplexity", "ln perplexity", false),
    /** Share of right answers. */
    ACCURACY("accuracy", "accuracy", true);

    private final String label;
    private final String title;
    private final boolean higherIsBetter;

    Metric(String label, String title, boolean higherIsBetter) {
        this.label = label;
        this.title = title;
        this.higherIsBetter = higherIsBetter;
    }

    /** The name in documents. */
    public String label() {
        return label;
    }

    /** The name in reports. */
    public String title() {
        return title;
    }

    public boolean higherIsBetter() {
        return higherIsBetter;
    }
}
