package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import java.util.Map;
import java.util.Optional;

/** Weights in the layouts of other tools, as packed weights with the same values. */
final class ForeignWeights {
    private ForeignWeights() {}

    /**
     * By the name of the weight; empty if this build does not read the layout.
     *
     * @throws InputException HT-306
     */
    static Optional<Map<String, PackedWeight>> read(Checkpoint checkpoint, String place) {
        Map<String, PackedWeight> weights;
        switch (PackedLayout.method(checkpoint.config())) {
            case "compressed-tensors" -> weights = new CompressedTensorsReader(checkpoint).read();
            case "gptq" -> weights = new GptqReader(checkpoint, place).read();
            case "awq" -> weights = new AwqReader(checkpoint, place).read();
            default -> {
                return Optional.empty();
            }
        }
        if (weights.isEmpty()) {
            throw broken(
                    place,
                    "is quantized (" + CarriedQuantization.describe(checkpoint)
                            + ") and holds no weight in that layout");
        }
        return Optional.of(weights);
    }

    /** A tensor of that type and number of dimensions. */
    static StoredTensor tensor(Checkpoint checkpoint, String name, SafetensorsDtype type, int dimensions) {
        StoredTensor tensor = checkpoint.tensor(name);
        if (!tensor.type().equals(type.name()) || tensor.shape().length != dimensions) {
            throw broken(
                    name,
                    "%s with %d dimensions; expected %s with %d"
                            .formatted(tensor.type(), tensor.shape().length, type, dimensions));
        }
        return tensor;
    }

    /** Checks the shape of a tensor. */
    static void shape(StoredTensor tensor, long... expected) {
        if (!java.util.Arrays.equals(tensor.shape(), expected)) {
            throw broken(
                    tensor.name(),
                    "shape %s; expected %s"
                            .formatted(java.util.Arrays.toString(tensor.shape()), java.util.Arrays.toString(expected)));
        }
    }

    static InputException broken(String place, String finding) {
        return new InputException("HT-306", place, finding, "write it again with the tool that made it");
    }
}
