package dev.halftone.export.huggingface;

import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.format.InputFormat;
import dev.halftone.format.InputFormat.Float8;
import dev.halftone.format.InputFormat.Granularity;
import dev.halftone.format.InputFormat.Int;
import dev.halftone.format.InputFormat.Levels;
import dev.halftone.format.InputFormat.Range;
import dev.halftone.format.LevelGroup;
import dev.halftone.format.ScaleRule;
import dev.halftone.format.ScaleType;
import dev.halftone.format.StoredPart;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/**
 * What compressed-tensors says of a linear's quantized inputs: the scheme in config.json, and the scale from calibration where the
 * engine does not find one while it runs.
 */
final class InputArguments {
    private static final int BITS = 8;
    private static final int SIGNED_ZERO = 128;

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private InputArguments() {}

    /** Writes {@code input_activations}. */
    static void describe(String module, InputFormat format, ObjectNode target) {
        check(module, format);
        boolean integers = format.numbers() instanceof Int;
        target.put(
                "num_bits",
                format.numbers() instanceof Levels levels ? levels.format().bits() : BITS);
        target.put("type", integers ? "int" : "float");
        target.put("symmetric", !(format.numbers() instanceof Int grid) || grid.symmetric());
        if (format.numbers() instanceof Levels(String _, LevelGroup grid)) {
            boolean powers = grid.scale() == ScaleType.E8M0;
            target.put("strategy", powers ? "group" : "tensor_group").put("group_size", grid.group());
            if (powers) {
                target.put("dynamic", true).put("scale_dtype", "torch.uint8");
            } else {
                target.put("dynamic", "local");
            }
            return;
        }
        target.put("strategy", format.granularity() == Granularity.TOKEN ? "token" : "tensor");
        target.put("dynamic", format.granularity() != Granularity.STATIC);
    }

    /** Refuses what no scheme says. */
    private static void check(String module, InputFormat format) {
        boolean known = switch (format.numbers()) {
            case Int grid -> grid.bits() == BITS && format.granularity() != Granularity.GROUP;
            case Float8 grid -> grid == Float8.E4M3 && format.granularity() != Granularity.GROUP;
            case Levels(String _, LevelGroup grid) ->
                grid.isNvfp4()
                        ? format.granularity() == Granularity.STATIC
                        : grid.equals(mx("mxfp4")) || grid.equals(mx("mxfp8"));
        };
        if (!known) {
            throw Layout.refused(
                    module,
                    "has inputs of %s, for which compressed-tensors has no scheme; it has int8 and fp8 per token, tensor or static,"
                                    .formatted(format.label())
                            + " mxfp4 and mxfp8 with rule ct, nvfp4 static");
        }
    }

    /** The library finds the exponents of inputs by its own rule. */
    private static LevelGroup mx(String name) {
        return LevelGroup.named(name).orElseThrow().withRule(ScaleRule.CT);
    }

    /** The tensors of a linear whose scale is from calibration. */
    static List<StoredPart> parts(String module, InputFormat format, Range range) {
        float most = Math.max(Math.abs(range.least()), Math.abs(range.most()));
        float shared = Math.max(most, (float) InputFormat.SMALLEST_RANGE);
        return switch (format.numbers()) {
            case Levels(String _, LevelGroup grid) ->
                List.of(scalar(module + ".input_global_scale", 1 / grid.unit(new float[] {most})));
            case Float8 grid -> List.of(scalar(module + ".input_scale", (float) (shared / grid.largest())));
            case Int grid when grid.symmetric() -> List.of(scalar(module + ".input_scale", shared / grid.largest()));
            case Int grid -> {
                float least = Math.min(0, range.least());
                float width = Math.max(Math.max(0, range.most()) - least, (float) InputFormat.SMALLEST_RANGE);
                float scale = width / grid.largest();
                byte zero = (byte) (Math.rint(-least / scale) - SIGNED_ZERO);
                yield List.of(
                        scalar(module + ".input_scale", scale),
                        Parts.part(module + ".input_zero_point", SafetensorsDtype.I8, new byte[] {zero}, 1));
            }
        };
    }

    private static StoredPart scalar(String name, float value) {
        MemorySegment bytes = MemorySegment.ofArray(new byte[Float.BYTES]);
        bytes.set(FLOAT, 0, value);
        return Parts.part(name, SafetensorsDtype.F32, bytes, 1);
    }
}
