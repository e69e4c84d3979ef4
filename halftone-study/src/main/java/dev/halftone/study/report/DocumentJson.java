package dev.halftone.study.report;

import com.fasterxml.jackson.annotation.JsonValue;
import dev.halftone.study.analysis.Metric;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Documents as JSON: snake case, metrics by their labels, no NaN. */
public final class DocumentJson {
    private static final JsonMapper COMPACT = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .addMixIn(Metric.class, Labelled.class)
            .addModule(NumbersOrNull.module())
            .build();

    private static final JsonMapper INDENTED =
            COMPACT.rebuild().enable(SerializationFeature.INDENT_OUTPUT).build();

    private DocumentJson() {}

    /** Enums that have labels. */
    interface Labelled {
        /** The name in documents. */
        @JsonValue
        String label();
    }

    /** For people and scripts. */
    public static String indented(Object document) {
        return INDENTED.writeValueAsString(document);
    }

    /** For the page. */
    public static String compact(Object document) {
        return COMPACT.writeValueAsString(document);
    }
}
