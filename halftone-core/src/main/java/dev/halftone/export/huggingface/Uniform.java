package dev.halftone.export.huggingface;

import dev.halftone.format.NumberFormat;
import dev.halftone.format.PackedWeight;
import java.util.Map;

/** For layouts whose config.json has one format for all weights. */
final class Uniform {
    private Uniform() {}

    /** @throws dev.halftone.error.InputException HT-692 if there are several */
    static NumberFormat format(Map<String, PackedWeight> weights) {
        Map.Entry<String, PackedWeight> first = weights.entrySet().iterator().next();
        NumberFormat format = IntCodes.of(first.getKey(), first.getValue()).format();
        weights.forEach((module, weight) -> {
            NumberFormat other = IntCodes.of(module, weight).format();
            if (other.bits() != format.bits()
                    || other.group() != format.group()
                    || other.symmetric() != format.symmetric()
                    || other.reordered() != format.reordered()) {
                throw Layout.refused(
                        module,
                        "is %s and %s is %s; this layout has one format for all weights"
                                .formatted(other.label(), first.getKey(), format.label()));
            }
        });
        return format;
    }
}
