package dev.halftone.app;

import dev.halftone.tensor.Spill;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The words of {@code --activations}. */
final class ActivationsConverter implements ITypeConverter<Spill.When> {
    @Override
    public Spill.When convert(String word) {
        return switch (word) {
            case "auto" -> Spill.When.LARGE;
            case "memory" -> Spill.When.NEVER;
            case "disk" -> Spill.When.ALWAYS;
            default -> throw new TypeConversionException("\"" + word + "\"; known are auto, memory, disk");
        };
    }
}
