package dev.halftone.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Tensors over memory that Java owns, and back, without copies where none is needed. */
public final class Tensors {
    private Tensors() {}

    /** A tensor over the segment's memory, which must be native and must outlive the tensor. */
    public static Tensor over(MemorySegment memory, ScalarType type, long... shape) {
        return torch.from_blob(new SegmentPointer(memory), shape, new TensorOptions(type));
    }

    /** A copy of the array as a float32 tensor. */
    public static Tensor of(float[] values, long... shape) {
        Tensor tensor = torch.empty(shape, new TensorOptions(ScalarType.Float), null);
        MemorySegment.copy(values, 0, memory(tensor), ValueLayout.JAVA_FLOAT, 0, values.length);
        return tensor;
    }

    /** A copy of the array as a float64 tensor. */
    public static Tensor of(double[] values, long... shape) {
        Tensor tensor = torch.empty(shape, new TensorOptions(ScalarType.Double), null);
        MemorySegment.copy(values, 0, memory(tensor), ValueLayout.JAVA_DOUBLE, 0, values.length);
        return tensor;
    }

    /** A copy of the array as an int64 tensor: token ids. */
    public static Tensor of(int[] values) {
        Tensor tensor = torch.empty(new long[] {values.length}, new TensorOptions(ScalarType.Long), null);
        MemorySegment target = memory(tensor);
        for (int i = 0; i < values.length; i++) {
            target.setAtIndex(ValueLayout.JAVA_LONG, i, values[i]);
        }
        return tensor;
    }

    /** The memory of a contiguous tensor on the CPU; valid as long as the tensor. */
    @SuppressWarnings("restricted") // libtorch owns the memory; the length is the tensor's own
    public static MemorySegment memory(Tensor tensor) {
        if (!tensor.is_contiguous()) {
            throw new IllegalArgumentException("tensor is not contiguous");
        }
        return MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(tensor.numel() * tensor.element_size());
    }

    /** The elements of a float32 tensor, row-major. */
    public static float[] floats(Tensor tensor) {
        return memory(tensor.to(ScalarType.Float).cpu().contiguous()).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Copies the elements of a tensor, row-major, to the beginning of an array. */
    public static void read(Tensor tensor, float[] target) {
        MemorySegment source = memory(tensor.to(ScalarType.Float).cpu().contiguous());
        MemorySegment.copy(
                source, ValueLayout.JAVA_FLOAT, 0, target, 0, Math.toIntExact(source.byteSize() / Float.BYTES));
    }

    /** The elements of a tensor as float64, row-major. */
    public static double[] doubles(Tensor tensor) {
        return memory(tensor.to(ScalarType.Double).cpu().contiguous()).toArray(ValueLayout.JAVA_DOUBLE);
    }

    /** Elements {@code from} (inclusive) to {@code to} (exclusive) along a dimension; a view. */
    public static Tensor slice(Tensor tensor, int dimension, long from, long to) {
        return tensor.slice(dimension, new LongOptional(from), new LongOptional(to), 1);
    }

    public static Scalar scalar(double value) {
        return new Scalar(value);
    }

    /** JavaCPP lets only subclasses set an address. */
    private static final class SegmentPointer extends Pointer {
        SegmentPointer(MemorySegment memory) {
            super((Pointer) null);
            if (!memory.isNative()) {
                throw new IllegalArgumentException("segment is on the Java heap");
            }
            this.address = memory.address();
            this.limit = memory.byteSize();
            this.capacity = memory.byteSize();
        }
    }
}
