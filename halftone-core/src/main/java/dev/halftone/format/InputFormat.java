package dev.halftone.format;

import dev.halftone.error.InputException;
import dev.halftone.tensor.Tensors;
import java.util.Locale;
import java.util.Optional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * How a linear's inputs are quantized: numbers, and what shares a scale. Simulated: the rounded values go into a float product.
 *
 * @param numbers grid of one value
 * @param granularity what shares a scale
 * @param group channels that share one, for {@link Granularity#GROUP}; else 0
 */
public record InputFormat(Numbers numbers, Granularity granularity, int group) {
    public InputFormat {
        if (numbers instanceof Levels levels && levels.block() > 0) {
            boolean powers = levels.format().scale() == ScaleType.E8M0;
            if (granularity == Granularity.GROUP || (powers && granularity != Granularity.TOKEN)) {
                throw new InputException(
                        "HT-407",
                        "",
                        "%s has blocks of its own; granularity %s does not go with it"
                                .formatted(levels.name(), granularity.name().toLowerCase(Locale.ROOT)),
                        powers ? "leave it out" : "use token, tensor or static");
            }
        }
    }

    /** Below this a range would give a scale that float32 cannot divide by. */
    public static final double SMALLEST_RANGE = 1e-5;

    /** A grid of numbers. */
    public sealed interface Numbers permits Int, Float8, Levels {
        /**
         * The grid that recipes and files call so; empty if there is none.
         *
         * @param name "int2" to "int8", "fp8_e4m3", "fp8_e5m2", or what {@link LevelGroup#named} knows
         * @param symmetric of integers
         */
        static Optional<Numbers> named(String name, boolean symmetric) {
            return switch (name) {
                case "fp8_e4m3" -> Optional.of(Float8.E4M3);
                case "fp8_e5m2" -> Optional.of(Float8.E5M2);
                default ->
                    name.matches("int[2-8]")
                            ? Optional.of(new Int(name.charAt(3) - '0', symmetric))
                            : LevelGroup.named(name).map(format -> new Levels(name, wide(format)));
            };
        }

        private static LevelGroup wide(LevelGroup format) {
            return format.scale() == ScaleType.F16 ? format.withScale(ScaleType.F32) : format;
        }
    }

    /**
     * Elements and scales as weights have them, rounded by the same code; scales of formats without blocks are FP32.
     *
     * @param name in recipes and files
     */
    public record Levels(String name, LevelGroup format) implements Numbers {
        /** Channels that share a scale; 0 if the format has no blocks. */
        int block() {
            return Math.max(format.group(), 0);
        }
    }

    /**
     * Integers.
     *
     * @param bits 2 to 8
     * @param symmetric code 0 is value 0 and codes run from -(2^(bits-1) - 1) to its opposite; else from 0 to 2^bits - 1 with a
     *     zero point, over a range that holds 0
     */
    public record Int(int bits, boolean symmetric) implements Numbers {
        public Int {
            if (bits < 2 || bits > 8) {
                throw new InputException("HT-401", "", "format has %d bits; allowed are 2 to 8".formatted(bits), "");
            }
        }

        /** The largest code. */
        public int largest() {
            return symmetric ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        }
    }

    /** Eight-bit floats of the OCP specification, without infinities in E4M3. */
    public enum Float8 implements Numbers {
        E4M3(ScalarType.Float8_e4m3fn, 448),
        E5M2(ScalarType.Float8_e5m2, 57344);

        private final ScalarType type;
        private final double largest;

        Float8(ScalarType type, double largest) {
            this.type = type;
            this.largest = largest;
        }

        /** The largest number. */
        public double largest() {
            return largest;
        }
    }

    /**
     * What shares a scale that is computed from the values themselves, or, for STATIC, one from calibration. Of formats with
     * blocks see {@link LevelInputs}.
     */
    public enum Granularity {
        /** All values of a sequence. */
        TENSOR,
        /** The channels of a token. */
        TOKEN,
        /** Neighbouring channels of a token. */
        GROUP,
        /** All values ever, by a scale that calibration has found. */
        STATIC
    }

    /**
     * What calibration has found for {@link Granularity#STATIC}.
     *
     * @param least smallest value
     * @param most largest value
     */
    public record Range(float least, float most) {
        /** The range of both. */
        public Range join(Range other) {
            return new Range(Math.min(least, other.least), Math.max(most, other.most));
        }
    }

    /**
     * The values that the grid has for these.
     *
     * @param input (tokens, channels), any float type and device
     * @param range for STATIC alone
     * @return a new tensor of the same shape and type
     */
    public Tensor round(Tensor input, @Nullable Range range) {
        if ((range != null) != (granularity == Granularity.STATIC)) {
            throw new IllegalArgumentException(label() + " with range " + range);
        }
        if (numbers instanceof Levels levels) {
            float[] values = Tensors.floats(input);
            new LevelInputs(levels.format(), granularity, group).round(values, Math.toIntExact(input.size(1)), range);
            return Tensors.of(values, input.size(0), input.size(1)).to(input.device(), input.scalar_type());
        }
        Tensor x = input.to(ScalarType.Float);
        Tensor shaped = granularity == Granularity.GROUP
                ? x.reshape(x.size(0), x.size(1) / group, group)
                : granularity == Granularity.TOKEN ? x : x.reshape(1, -1);
        Tensor rounded = switch (numbers) {
            case Int grid when grid.symmetric() -> symmetric(shaped, grid.largest(), range);
            case Int grid -> asymmetric(shaped, grid.largest(), range);
            case Float8 grid -> {
                Tensor scale = magnitude(shaped, range).div(Tensors.scalar(grid.largest));
                yield clamp(shaped.div(scale), -grid.largest, grid.largest)
                        .to(grid.type)
                        .to(ScalarType.Float)
                        .mul_(scale);
            }
            case Levels _ -> throw new IllegalStateException("rounded above");
        };
        return rounded.reshape(input.size(0), input.size(1)).to(input.scalar_type());
    }

    private Tensor symmetric(Tensor x, int largest, @Nullable Range range) {
        Tensor step = magnitude(x, range).div(Tensors.scalar(largest));
        return clamp(x.div(step).round_(), -largest, largest).mul_(step);
    }

    private Tensor asymmetric(Tensor x, int largest, @Nullable Range range) {
        Tensor least;
        Tensor most;
        if (range != null) {
            least = constant(x, Math.min(0, range.least()));
            most = constant(x, Math.max(0, range.most()));
        } else {
            least = x.amin(new long[] {-1}, true).clamp(new ScalarOptional(), new ScalarOptional(new Scalar(0.0)));
            most = x.amax(new long[] {-1}, true).clamp_min(Tensors.scalar(0));
        }
        Tensor step = most.sub(least).clamp_min(Tensors.scalar(SMALLEST_RANGE)).div(Tensors.scalar(largest));
        Tensor zero = least.div(step).neg().round_();
        return clamp(x.div(step).round_().add_(zero), 0, largest).sub_(zero).mul_(step);
    }

    /** max |x| of what shares a scale, (..., 1). */
    private Tensor magnitude(Tensor x, @Nullable Range range) {
        Tensor magnitude = range != null
                ? constant(x, Math.max(Math.abs(range.least()), Math.abs(range.most())))
                : x.abs().amax(new long[] {-1}, true);
        return magnitude.clamp_min(Tensors.scalar(SMALLEST_RANGE));
    }

    private static Tensor constant(Tensor like, double value) {
        return torch.full(new long[] {1, 1}, Tensors.scalar(value), like.options());
    }

    private static Tensor clamp(Tensor x, double low, double high) {
        return x.clamp_(new ScalarOptional(new Scalar(low)), new ScalarOptional(new Scalar(high)));
    }

    /** True if values are rounded alike, whatever the grid is called, and by whatever rule a range has become NVFP4's g. */
    public boolean sameGrid(InputFormat other) {
        boolean numbersAlike = (numbers instanceof Levels mine && other.numbers instanceof Levels theirs)
                ? mine.format().equals(theirs.format())
                        || (granularity == Granularity.STATIC
                                && mine.format().isNvfp4()
                                && theirs.format().isNvfp4())
                : numbers.equals(other.numbers);
        return numbersAlike && granularity == other.granularity && group == other.group;
    }

    /** Channels that share a scale and must fit into the input; 0 where any number of channels does. */
    public int block() {
        return numbers instanceof Levels levels && levels.block() > 0 ? levels.block() : group;
    }

    /** The name in reports: "int8 per token", "fp8 e4m3 static", "mxfp4 ocp-floor", "nvfp4 power-unit static". */
    public String label() {
        String name = switch (numbers) {
            case Int grid -> "int" + grid.bits() + (grid.symmetric() ? "" : " asymmetric");
            case Float8 grid -> "fp8 " + grid.name().toLowerCase(Locale.ROOT);
            case Levels(String title, LevelGroup format) ->
                format.rule() == ScaleRule.ABSMAX
                        ? title
                        : title + " " + format.rule().title();
        };
        if (numbers instanceof Levels(String _, LevelGroup format) && format.scale() == ScaleType.E8M0) {
            return name;
        }
        return switch (granularity) {
            case TENSOR -> name + " per tensor";
            case TOKEN -> name + " per token";
            case GROUP -> name + " g" + group + " per token";
            case STATIC -> name + " static";
        };
    }
}
