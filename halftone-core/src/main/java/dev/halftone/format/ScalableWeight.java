package dev.halftone.format;

import dev.halftone.format.gguf.BlockWeight;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * A stored weight whose values, but for outliers beside them, are multiples of numbers that are stored as floats: its scales. With
 * other scales it takes the same bytes.
 */
public sealed interface ScalableWeight {
    int out();

    int in();

    /** Scales of a row. */
    int groups();

    /** The group of an input. */
    int groupOf(int input);

    /**
     * The weight with other scales.
     *
     * @param factors (out, groups), what the scales are multiplied by before they are rounded to what they are stored as
     */
    Scaled times(float[] factors);

    /** What became of a weight. */
    interface Scaled {
        /** The values of a row, into the start of {@code target}. */
        void decodeRow(int row, float[] target);

        /** The same without what lies beside the codes. */
        void multiplesRow(int row, float[] target);

        /** The tensors that are to be stored in the place of the old ones. */
        List<StoredPart> parts(String weight);
    }

    /** A weight of a packed checkpoint; empty if its scales are no floats of at least 16 bits, one for each group of a row. */
    static Optional<ScalableWeight> of(StoredWeight weight) {
        return switch (weight) {
            case PackedWeight dense when scales(dense.format()) -> Optional.of(new Grouped(dense, Optional.empty()));
            case OutlierWeight(PackedWeight dense, Outliers outliers)
            when scales(dense.format()) -> Optional.of(new Grouped(dense, Optional.of(outliers)));
            default -> Optional.empty();
        };
    }

    /** True if {@link #of(StoredWeight)} takes weights of the format. */
    static boolean scales(NumberFormat format) {
        return format.rowsIn(Integer.MAX_VALUE) == 1
                && switch (format.scale()) {
                    case F16, BF16, F32 -> true;
                    case E4M3, E8M0 -> false;
                };
    }

    /** A weight in blocks of a GGUF type; empty if they have no half-precision number in common. */
    static Optional<ScalableWeight> of(BlockWeight weight) {
        return weight.layout().halves().isEmpty() ? Optional.empty() : Optional.of(new Blocks(weight));
    }

    /** Codes with scales, and perhaps minima, that stand in tensors of their own. */
    record Grouped(PackedWeight dense, Optional<Outliers> outliers) implements ScalableWeight {
        @Override
        public int out() {
            return dense.out();
        }

        @Override
        public int in() {
            return dense.in();
        }

        @Override
        public int groups() {
            return dense.format().groups(in());
        }

        @Override
        public int groupOf(int input) {
            return dense.groupOf(input);
        }

        @Override
        public Scaled times(float[] factors) {
            PackedWeight scaled = new PackedWeight(
                    dense.format(),
                    dense.out(),
                    dense.in(),
                    dense.codes(),
                    multiplied(dense.scales(), factors),
                    dense.zeros(),
                    multiplied(dense.minima(), factors),
                    dense.unit(),
                    dense.groupOf());
            return new Scaled() {
                @Override
                public void decodeRow(int row, float[] target) {
                    multiplesRow(row, target);
                    outliers.ifPresent(beside -> beside.add(row, target, 0));
                }

                @Override
                public void multiplesRow(int row, float[] target) {
                    scaled.decodeRow(row, target, 0);
                }

                @Override
                public List<StoredPart> parts(String weight) {
                    return scaled.parts(weight);
                }
            };
        }

        private MemorySegment multiplied(MemorySegment stored, float[] factors) {
            if (stored.byteSize() == 0) {
                return stored;
            }
            ScaleType type = dense.format().scale();
            MemorySegment result = MemorySegment.ofArray(new byte[Math.toIntExact(stored.byteSize())]);
            for (int i = 0; i < factors.length; i++) {
                type.write(result, i, type.nearestFinite(type.read(stored, i) * factors[i]));
            }
            return result;
        }
    }

    /** Blocks of a GGUF type. */
    record Blocks(BlockWeight weight) implements ScalableWeight {
        private static final ValueLayout.OfShort HALF =
                ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

        @Override
        public int out() {
            return weight.out();
        }

        @Override
        public int in() {
            return weight.in();
        }

        @Override
        public int groups() {
            return in() / weight.layout().block();
        }

        @Override
        public int groupOf(int input) {
            return input / weight.layout().block();
        }

        @Override
        public Scaled times(float[] factors) {
            byte[] bytes = weight.bytes().toArray(ValueLayout.JAVA_BYTE);
            MemorySegment blocks = MemorySegment.ofArray(bytes);
            int size = weight.layout().type().blockBytes();
            for (int i = 0; i < factors.length; i++) {
                for (int offset : weight.layout().halves()) {
                    long at = (long) i * size + offset;
                    float half = Float.float16ToFloat(blocks.get(HALF, at));
                    blocks.set(HALF, at, Float.floatToFloat16(ScaleType.F16.nearestFinite(half * factors[i])));
                }
            }
            BlockWeight scaled = new BlockWeight(weight.layout(), out(), in(), blocks);
            return new Scaled() {
                @Override
                public void decodeRow(int row, float[] target) {
                    scaled.decodeRow(row, target);
                }

                @Override
                public void multiplesRow(int row, float[] target) {
                    scaled.decodeRow(row, target);
                }

                @Override
                public List<StoredPart> parts(String name) {
                    return List.of(PackedBlocks.part(name, scaled));
                }
            };
        }
    }
}
