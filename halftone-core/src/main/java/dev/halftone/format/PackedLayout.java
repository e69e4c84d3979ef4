package dev.halftone.format;

import dev.halftone.checkpoint.Checkpoint;
import dev.halftone.checkpoint.SafetensorsDtype;
import dev.halftone.checkpoint.StoredTensor;
import dev.halftone.error.InputException;
import dev.halftone.model.LinearSite;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Packed weights in the Hugging Face layout. A weight W (out, in) becomes, in the safetensors files,
 *
 * <ul>
 *   <li>{@code W.codes} U8 (out, ceil(in * bits / 8))
 *   <li>{@code W.scales} of the scales' type (tiles, groups); a tile is one row, unless the format says more
 *   <li>{@code W.zeros} U8 (tiles, ceil(groups * bits / 8)), mode asym only
 *   <li>{@code W.minima} like the scales, mode affine only
 *   <li>{@code W.unit} F32 (1), e4m3 scales and the rule floor-4-3 only
 *   <li>{@code W.g_idx} U16 (in), formats with reordered inputs only
 * </ul>
 *
 * <p>laid out as {@link PackedWeight} says. config.json names them: {@code "quantization_config": {"quant_method": "halftone",
 * "format_version": 1, "formats": [{"bits": 3, "group": 64, "symmetric": false, "weights": ["model.layers.0..."]}]}}; the keys
 * of an entry: {@link FormatEntry}. A file has the oldest version that can say what is in it.
 * Quantized inputs: {@link PackedInputs}. Blocks of GGUF types: {@link PackedBlocks}, version 4. Quantized keys and
 * values: {@link PackedCache}, version 5. Formats with something beside or around a number format: {@link StoredEntry}, version 6;
 * their tensors are documented at {@link Outliers}, {@link BilevelWeight}, {@link TwoGridWeight} and {@link TurnedWeight}.
 */
public final class PackedLayout {
    /** The newest version that this build reads. */
    static final int VERSION = StoredEntry.VERSION;

    static final String KEY = "quantization_config";
    private static final String METHOD = "halftone";
    static final String CODES = ".codes";
    static final String SCALES = ".scales";
    static final String ZEROS = ".zeros";
    static final String LEVELS = ".levels";
    static final String STATISTICS = ".statistics";
    static final String GROUP_OF = ".g_idx";
    private static final String MINIMA = ".minima";
    private static final String UNIT = ".unit";

    private PackedLayout() {}

    /** What may follow a weight's name in the names of the tensors that hold it, in their order. */
    public static List<String> suffixes() {
        return List.of(
                CODES,
                SCALES,
                ZEROS,
                MINIMA,
                UNIT,
                LEVELS,
                STATISTICS,
                GROUP_OF,
                Outliers.COUNTS,
                Outliers.INPUTS,
                Outliers.VALUES,
                TwoGridWeight.OUTLIER_SCALES,
                TwoGridWeight.OUTLIER_MINIMA,
                TwoGridWeight.OUTLIER_PLACES);
    }

    /** The tensors that hold a packed weight. */
    public static List<StoredPart> parts(String weight, PackedWeight packed) {
        NumberFormat format = packed.format();
        int in = packed.in();
        int tiles = format.tiles(packed.out());
        int groups = format.groups(in);
        SafetensorsDtype scale = format.scale().dtype();
        List<StoredPart> parts = new ArrayList<>();
        add(parts, weight + CODES, SafetensorsDtype.U8, packed.codes(), packed.out(), format.codeBytes(in));
        add(parts, weight + SCALES, scale, packed.scales(), tiles, groups);
        add(parts, weight + ZEROS, SafetensorsDtype.U8, packed.zeros(), tiles, format.zeroBytes(in));
        add(parts, weight + MINIMA, scale, packed.minima(), tiles, groups);
        add(parts, weight + UNIT, SafetensorsDtype.F32, packed.unit(), 1);
        add(parts, weight + GROUP_OF, SafetensorsDtype.U16, packed.groupOf(), in);
        return parts;
    }

    /** True if a tensor of this name belongs to the quantized input of a linear. */
    public static boolean ofInputs(String name) {
        return PackedInputs.owns(name);
    }

    /** The tensors that quantized inputs need; what they hold lives in the arena. */
    public static List<StoredPart> parts(InputRounding inputs, List<LinearSite> linears, Arena arena) {
        return PackedInputs.parts(inputs, linears, arena);
    }

    private static void add(
            List<StoredPart> parts, String name, SafetensorsDtype type, MemorySegment bytes, long... shape) {
        if (bytes.byteSize() > 0) {
            parts.add(new StoredPart(name, type, shape, bytes));
        }
    }

    /** The quantization method that a config names, empty if the model is not quantized. */
    static String method(ObjectNode config) {
        return config.path(KEY).path("quant_method").asString(config.has(KEY) ? "unknown" : "");
    }

    static boolean isPacked(ObjectNode config) {
        return method(config).equals(METHOD);
    }

    /** Adds to a config which weights are packed and which inputs are quantized, and how. */
    public static void describe(ObjectNode config, Map<String, ? extends StoredFormat> formats, InputRounding inputs) {
        ObjectNode section = config.putObject(KEY);
        section.put("quant_method", METHOD);
        section.put("format_version", version(formats.values()));
        Map<StoredFormat, ArrayNode> lists = new LinkedHashMap<>();
        ArrayNode entries = section.putArray("formats");
        formats.forEach((weight, format) -> lists.computeIfAbsent(format, f -> {
                    ObjectNode entry = entries.addObject();
                    StoredEntry.write(f, entry);
                    return entry.putArray("weights");
                })
                .add(weight));
        if (!inputs.formats().isEmpty()) {
            PackedInputs.describe(section, inputs);
        }
    }

    /** The oldest version that can say all of them. */
    private static int version(Collection<? extends StoredFormat> formats) {
        return formats.stream().mapToInt(StoredEntry::version).max().orElse(1);
    }

    /** Says that a section needs a reader of that version, if it does not say so already. */
    static void atLeast(ObjectNode section, int version) {
        section.put(
                "format_version",
                Math.max(version, section.path("format_version").asInt(0)));
    }

    /** The packed weights that a config names. */
    public static Map<String, StoredFormat> formats(ObjectNode config, String place) {
        JsonNode section = config.path(KEY);
        int version = section.path("format_version").asInt(0);
        if (version < 1 || version > VERSION) {
            throw new InputException(
                    "HT-405",
                    place,
                    "packed format version %d; this build reads up to %d".formatted(version, VERSION),
                    "use the Halftone that wrote it, or a newer one");
        }
        Map<String, StoredFormat> formats = new TreeMap<>();
        for (JsonNode entry : section.path("formats")) {
            StoredFormat format = StoredEntry.read(entry, place);
            for (JsonNode weight : entry.path("weights")) {
                formats.put(weight.asString(""), format);
            }
        }
        return formats;
    }

    /** A packed weight as it lies in a checkpoint. */
    static StoredWeight read(Checkpoint checkpoint, String weight, StoredFormat format) {
        return switch (format) {
            case NumberFormat f -> read(checkpoint, weight, f);
            case TurnedFormat(NumberFormat turned) -> new TurnedWeight(read(checkpoint, weight, turned));
            case OutlierFormat(StoredFormat dense, Outliers.Placement placement) -> {
                StoredWeight read = read(checkpoint, weight, dense);
                yield new OutlierWeight(read, Outliers.read(checkpoint, weight, placement, read.out(), read.in()));
            }
            case BilevelGroup f -> bilevel(checkpoint, weight, f);
            case TwoGridGroup(IntGroup grid) -> twoGrids(checkpoint, weight, grid);
            case CodebookFormat f -> codebook(checkpoint, weight, f);
        };
    }

    /** The shape (out, in) of a weight by its codes. */
    private static int[] shape(Checkpoint checkpoint, String weight, StoredFormat format, int bits, int group) {
        long[] codes = matrix(checkpoint, weight + CODES, SafetensorsDtype.U8);
        long in = codes[1] * 8 / bits;
        boolean whole = codes[0] >= 1 && codes[0] <= Integer.MAX_VALUE && in >= 1 && in <= Integer.MAX_VALUE;
        if (!whole || in % group != 0) {
            throw new InputException(
                    "HT-406",
                    weight,
                    "codes (%d, %d) do not fit %s".formatted(codes[0], codes[1], format.label()),
                    "quantize the model again");
        }
        return new int[] {(int) codes[0], (int) in};
    }

    private static CodebookWeight codebook(Checkpoint checkpoint, String weight, CodebookFormat format) {
        int[] shape = shape(checkpoint, weight, format, format.bits(), 1);
        return new CodebookWeight(
                format,
                shape[0],
                shape[1],
                checkpoint.tensor(weight + CODES).bytes(),
                typed(checkpoint, weight + LEVELS, SafetensorsDtype.F32).bytes());
    }

    private static BilevelWeight bilevel(Checkpoint checkpoint, String weight, BilevelGroup format) {
        int[] shape = shape(checkpoint, weight, format, format.bits(), format.group());
        return new BilevelWeight(
                format,
                shape[0],
                shape[1],
                checkpoint.tensor(weight + CODES).bytes(),
                typed(checkpoint, weight + SCALES, SafetensorsDtype.U8).bytes(),
                typed(checkpoint, weight + ZEROS, SafetensorsDtype.U8).bytes(),
                typed(checkpoint, weight + STATISTICS, SafetensorsDtype.F16).bytes(),
                bytes(checkpoint, weight + GROUP_OF, SafetensorsDtype.U16, format.reordered() ? 1 : 0));
    }

    private static TwoGridWeight twoGrids(Checkpoint checkpoint, String weight, IntGroup grid) {
        boolean places = checkpoint.names().contains(weight + TwoGridWeight.OUTLIER_PLACES);
        return new TwoGridWeight(
                read(checkpoint, weight, grid),
                typed(checkpoint, weight + TwoGridWeight.OUTLIER_SCALES, SafetensorsDtype.F16)
                        .bytes(),
                bytes(
                        checkpoint,
                        weight + TwoGridWeight.OUTLIER_MINIMA,
                        SafetensorsDtype.F16,
                        grid.mode() == GridMode.AFFINE ? 1 : 0),
                typed(checkpoint, weight + TwoGridWeight.OUTLIER_COUNTS, SafetensorsDtype.U8)
                        .bytes(),
                bytes(checkpoint, weight + TwoGridWeight.OUTLIER_PLACES, SafetensorsDtype.U8, places ? 1 : 0));
    }

    private static PackedWeight read(Checkpoint checkpoint, String weight, NumberFormat format) {
        long[] codes = matrix(checkpoint, weight + CODES, SafetensorsDtype.U8);
        long[] scales = matrix(checkpoint, weight + SCALES, format.scale().dtype());
        long in = codes[1] * 8 / format.bits();
        if (codes[0] < 1
                || codes[0] > Integer.MAX_VALUE
                || in > Integer.MAX_VALUE
                || in < 1
                || !format.divides((int) in)
                || format.tiles((int) codes[0]) != scales[0]
                || format.groups((int) in) != scales[1]) {
            throw new InputException(
                    "HT-406",
                    weight,
                    "codes (%d, %d) and scales (%d, %d) do not belong together for %s"
                            .formatted(codes[0], codes[1], scales[0], scales[1], format.label()),
                    "quantize the model again");
        }
        return new PackedWeight(
                format,
                (int) codes[0],
                (int) in,
                checkpoint.tensor(weight + CODES).bytes(),
                checkpoint.tensor(weight + SCALES).bytes(),
                bytes(checkpoint, weight + ZEROS, SafetensorsDtype.U8, format.zeroBytes((int) in)),
                bytes(checkpoint, weight + MINIMA, format.scale().dtype(), format.minimumBytes((int) in)),
                bytes(checkpoint, weight + UNIT, SafetensorsDtype.F32, format.unitBytes()),
                bytes(checkpoint, weight + GROUP_OF, SafetensorsDtype.U16, format.indexBytes((int) in)));
    }

    /** The bytes of a part, which {@link PackedWeight} counts; empty where the format has no such part. */
    private static MemorySegment bytes(Checkpoint checkpoint, String name, SafetensorsDtype type, int perRow) {
        return perRow == 0 ? MemorySegment.NULL : typed(checkpoint, name, type).bytes();
    }

    private static long[] matrix(Checkpoint checkpoint, String name, SafetensorsDtype type) {
        StoredTensor tensor = typed(checkpoint, name, type);
        if (tensor.shape().length != 2) {
            throw new InputException(
                    "HT-406", name, tensor.shape().length + " dimensions; expected 2", "quantize the model again");
        }
        return tensor.shape();
    }

    private static StoredTensor typed(Checkpoint checkpoint, String name, SafetensorsDtype type) {
        StoredTensor tensor = checkpoint.tensor(name);
        if (!tensor.type().equals(type.name())) {
            throw new InputException(
                    "HT-406", name, "%s; expected %s".formatted(tensor.type(), type), "quantize the model again");
        }
        return tensor;
    }
}
