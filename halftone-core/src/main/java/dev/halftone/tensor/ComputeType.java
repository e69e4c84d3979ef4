package dev.halftone.tensor;

import dev.halftone.error.InputException;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The type in which a forward pass computes. Norms, softmax and losses are float32 in either. */
public enum ComputeType {
    FLOAT32(ScalarType.Float, "float32", 4),
    BFLOAT16(ScalarType.BFloat16, "bf16", 2);

    private final ScalarType scalarType;
    private final String label;
    private final int bytes;

    ComputeType(ScalarType scalarType, String label, int bytes) {
        this.scalarType = scalarType;
        this.label = label;
        this.bytes = bytes;
    }

    /**
     * The type of that name.
     *
     * @throws InputException HT-606
     */
    public static ComputeType named(String name) {
        for (ComputeType type : values()) {
            if (type.label.equals(name)) {
                return type;
            }
        }
        throw new InputException("HT-606", "--dtype", "\"" + name + "\"; known are float32, bf16", "");
    }

    public ScalarType scalarType() {
        return scalarType;
    }

    /** Bytes per element. */
    public int bytes() {
        return bytes;
    }

    /** The name users write: "float32" or "bf16". */
    public String label() {
        return label;
    }
}
