package dev.halftone.tensor;

import org.bytedeco.pytorch.Tensor;

/**
 * In what and where a forward pass computes.
 *
 * @param type of weights, norms' parameters and the residual stream
 * @param products of the matrix products alone: other than {@code type} in mixed precision of training
 */
public record Compute(ComputeType type, ComputeType products, ComputeDevice device) {
    /** float32 on the CPU. */
    public static final Compute FLOAT32 = of(ComputeType.FLOAT32);

    /** One type for everything, on the CPU. */
    public static Compute of(ComputeType type) {
        return new Compute(type, type, ComputeDevice.CPU);
    }

    /** The tensor on the device, in its own type. */
    public Tensor place(Tensor tensor) {
        return device.place(tensor);
    }

    /** The tensor on the device, in {@link #type}. */
    public Tensor cast(Tensor tensor) {
        return place(tensor.to(type.scalarType()));
    }
}
