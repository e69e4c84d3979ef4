package dev.halftone.export.huggingface;

import dev.halftone.error.InputException;
import dev.halftone.format.PackedWeight;
import dev.halftone.format.StoredPart;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/** How an engine stores packed weights. */
sealed interface Layout permits CompressedTensors, Gptq, Awq {
    /**
     * The tensors of one linear.
     *
     * @param module its name, without {@code .weight}
     * @throws InputException HT-692 if the layout has no place for it
     */
    List<StoredPart> parts(String module, PackedWeight weight);

    /**
     * What config.json says of them.
     *
     * @param weights all packed linears, by module
     * @param plain the linears that are not packed, the head among them unless it is tied
     */
    void describe(ObjectNode section, Map<String, PackedWeight> weights, List<String> plain);

    /** A refusal. */
    static InputException refused(String module, String reason) {
        return new InputException("HT-692", module, reason, "quantize with another format, or choose another --format");
    }
}
