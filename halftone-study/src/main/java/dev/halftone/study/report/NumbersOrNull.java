package dev.halftone.study.report;

import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.JacksonModule;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.module.SimpleModule;

/** Writes what is no number as null: JSON has no NaN. */
final class NumbersOrNull extends ValueSerializer<Double> {
    static JacksonModule module() {
        NumbersOrNull serializer = new NumbersOrNull();
        return new SimpleModule("numbers-or-null")
                .addSerializer(Double.class, serializer)
                .addSerializer(double.class, serializer);
    }

    @Override
    public void serialize(Double value, JsonGenerator generator, SerializationContext context) {
        if (Double.isFinite(value)) {
            generator.writeNumber(value);
        } else {
            generator.writeNull();
        }
    }
}
