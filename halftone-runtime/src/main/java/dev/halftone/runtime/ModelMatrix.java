package dev.halftone.runtime;

import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.format.ModelFile;
import dev.halftone.format.StoredWeight;
import dev.halftone.format.gguf.BlockWeight;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** A weight (rows = outputs, columns = inputs) as the model's file has it, rows in Hugging Face order. */
sealed interface ModelMatrix {
    /** Name of the tensor. */
    String name();

    int rows();

    int columns();

    /** Decodes a row into the start of {@code target}. */
    void decodeRow(int row, float[] target);

    /** In blocks of a GGUF type. */
    record Blocks(String name, BlockWeight weight) implements ModelMatrix {
        @Override
        public int rows() {
            return weight.out();
        }

        @Override
        public int columns() {
            return weight.in();
        }

        @Override
        public void decodeRow(int row, float[] target) {
            weight.decodeRow(row, target);
        }
    }

    /** In a number format, as Halftone or another tool packed it. */
    record Packed(String name, StoredWeight weight) implements ModelMatrix {
        @Override
        public int rows() {
            return weight.out();
        }

        @Override
        public int columns() {
            return weight.in();
        }

        @Override
        public void decodeRow(int row, float[] target) {
            weight.decodeRow(row, target, 0);
        }
    }

    /** Plain numbers in a file. */
    record Plain(String name, StoredTensor tensor) implements ModelMatrix {
        @Override
        public int rows() {
            return Math.toIntExact(tensor.rows());
        }

        @Override
        public int columns() {
            return Math.toIntExact(tensor.columns());
        }

        @Override
        public void decodeRow(int row, float[] target) {
            tensor.decode(row, row + 1L, MemorySegment.ofArray(target));
        }
    }

    /** Plain numbers that the file has in another order. */
    record Values(String name, int rows, int columns, float[] values) implements ModelMatrix {
        @Override
        public void decodeRow(int row, float[] target) {
            System.arraycopy(values, row * columns, target, 0, columns);
        }

        /** Of a tensor (columns, rows). */
        static Values transposed(String name, StoredTensor tensor) {
            int rows = Math.toIntExact(tensor.columns());
            int columns = Math.toIntExact(tensor.rows());
            float[] turned = new float[Math.multiplyExact(rows, columns)];
            tensor.decode(0, columns, MemorySegment.ofArray(turned));
            float[] values = new float[turned.length];
            for (int column = 0; column < columns; column++) {
                for (int row = 0; row < rows; row++) {
                    values[row * columns + column] = turned[column * rows + row];
                }
            }
            return new Values(name, rows, columns, values);
        }
    }

    /**
     * A weight of a model.
     *
     * @param inputMajor a plain checkpoint has it as (in, out)
     */
    static ModelMatrix of(ModelFile file, String name, boolean inputMajor) {
        Optional<StoredWeight> packed = file.storedWeight(name);
        if (packed.isPresent()) {
            return new Packed(name, packed.get());
        }
        Optional<BlockWeight> blocks = file.blockWeight(name, inputMajor);
        if (blocks.isPresent()) {
            return new Blocks(name, blocks.get());
        }
        StoredTensor tensor = file.checkpoint().tensor(name);
        return inputMajor ? Values.transposed(name, tensor) : new Plain(name, tensor);
    }

    /** A vector of a model, plain in every file. */
    static float[] vector(ModelFile file, String name) {
        StoredTensor tensor = file.checkpoint().tensor(name);
        float[] values = new float[Math.toIntExact(tensor.elements())];
        tensor.decode(0, tensor.rows(), MemorySegment.ofArray(values));
        return values;
    }
}
