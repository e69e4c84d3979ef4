package dev.halftone.format;

import dev.halftone.error.InputException;
import java.util.List;
import java.util.Optional;

/**
 * Codes of a scalar grid, value = element * scale, with one scale per tile of {@code rows} outputs by {@code group} consecutive
 * inputs: small floats by row or tile, the MX and NV block formats, NormalFloat and other codebooks.
 *
 * <p>E4M3 scales are multiples s of one FP32 number g per weight, g = max|W| / (448 Q), or the next power of two: NVFP4's two
 * levels.
 *
 * @param elements the grid
 * @param group inputs per scale; {@link #ROW} for all of them
 * @param rule how a group gets its scale
 * @param scale what scales are stored as; E8M0 with the rules that give powers of two, and only with them; E4M3 with the others
 * @param rows outputs per scale, the last tile may have fewer; {@link #ALL_ROWS} for one row of tiles
 * @param reordered groups are any {@code group} inputs: the group of each input is stored, 16 bits
 */
public record LevelGroup(Elements elements, int group, ScaleRule rule, ScaleType scale, int rows, boolean reordered)
        implements NumberFormat {
    private static final int MX_BLOCK = 32;
    private static final int NV_BLOCK = 16;

    private static final int INVERSIONS = 4;

    /** What FLOOR_4_3 divides powers of two by. */
    private static final float THIRD = 1 / 3f;

    public LevelGroup {
        if ((group < 1 && group != ROW) || (rows < 1 && rows != ALL_ROWS)) {
            throw new InputException(
                    "HT-402",
                    "",
                    "group is %s; allowed are positive numbers, or -1 for a whole row"
                            .formatted(rows == 1 ? String.valueOf(group) : rows + "x" + group),
                    "");
        }
        if (!ScaleRule.of(scale).contains(rule)) {
            throw refused("rule %s does not go with %s scales".formatted(rule.title(), scale.title()));
        }
        if (rule == ScaleRule.FLOOR_4_3 && elements != FloatElements.E2M1) {
            throw refused("rule floor-4-3 is for e2m1, not for " + elements.title());
        }
        if (reordered && (group == ROW || rows != 1)) {
            throw refused("the order of inputs is stored for groups of one row only");
        }
    }

    private static InputException refused(String finding) {
        return new InputException("HT-407", "", finding, "see docs/recipes.md");
    }

    /** One scale per row, rounded from max|w| / Q. */
    public static LevelGroup of(Elements elements, ScaleType scale) {
        return new LevelGroup(elements, ROW, ScaleRule.ABSMAX, scale, 1, false);
    }

    private static LevelGroup mx(Elements elements) {
        return new LevelGroup(elements, MX_BLOCK, ScaleRule.OCP_FLOOR, ScaleType.E8M0, 1, false);
    }

    private static LevelGroup nv(Elements elements) {
        return new LevelGroup(elements, NV_BLOCK, ScaleRule.ABSMAX, ScaleType.E4M3, 1, false);
    }

    /** What {@link #named} knows, without short forms. */
    public static List<String> names() {
        return List.of(
                "fp8_e4m3",
                "fp8_e5m2",
                "fp6_e2m3",
                "fp6_e3m2",
                "fp4_e2m1",
                "nf4",
                "mxfp8_e4m3",
                "mxfp8_e5m2",
                "mxfp6_e2m3",
                "mxfp6_e3m2",
                "mxfp4",
                "mxint8",
                "mxint6",
                "mxint4",
                "nvfp4",
                "nvint4");
    }

    /**
     * The format that recipes call so, one scale per row where the name says no block. Eight- and six-bit floats have FP32
     * scales: max|w| / 57344 would be no normal FP16 number.
     */
    public static Optional<LevelGroup> named(String name) {
        return Optional.ofNullable(
                switch (name) {
                    case "fp8", "fp8_e4m3" -> of(FloatElements.E4M3, ScaleType.F32);
                    case "fp8_e5m2" -> of(FloatElements.E5M2, ScaleType.F32);
                    case "fp6", "fp6_e2m3" -> of(FloatElements.E2M3, ScaleType.F32);
                    case "fp6_e3m2" -> of(FloatElements.E3M2, ScaleType.F32);
                    case "fp4", "fp4_e2m1" -> of(FloatElements.E2M1, ScaleType.F16);
                    case "nf4" -> of(Codebook.NF4, ScaleType.F16);
                    case "mxfp8", "mxfp8_e4m3" -> mx(FloatElements.E4M3);
                    case "mxfp8_e5m2" -> mx(FloatElements.E5M2);
                    case "mxfp6", "mxfp6_e2m3" -> mx(FloatElements.E2M3);
                    case "mxfp6_e3m2" -> mx(FloatElements.E3M2);
                    case "mxfp4" -> mx(FloatElements.E2M1);
                    case "mxint8" -> mx(IntElements.INT8);
                    case "mxint6" -> mx(IntElements.INT6);
                    case "mxint4" -> mx(IntElements.INT4);
                    case "nvfp4" -> nv(FloatElements.E2M1);
                    case "nvint4" -> nv(IntElements.INT4);
                    default -> null;
                });
    }

    /** True for NVFP4, whatever its g is. */
    public boolean isNvfp4() {
        return scale == ScaleType.E4M3 && withRule(ScaleRule.ABSMAX).equals(nv(FloatElements.E2M1));
    }

    /** The same with another rule. */
    public LevelGroup withRule(ScaleRule other) {
        return new LevelGroup(elements, group, other, scale, rows, reordered);
    }

    /** The same with scales of another type. */
    public LevelGroup withScale(ScaleType other) {
        return new LevelGroup(elements, group, rule, other, rows, reordered);
    }

    /** The same with tiles of that many outputs by that many inputs. */
    public LevelGroup withTile(int outputs, int inputs) {
        return new LevelGroup(elements, inputs, rule, scale, outputs, reordered);
    }

    @Override
    public LevelGroup withReordered(boolean stored) {
        return new LevelGroup(elements, group, rule, scale, rows, stored);
    }

    @Override
    public LevelGroup withGroup(int inputs) {
        return withTile(rows, inputs);
    }

    @Override
    public int bits() {
        return elements.bits();
    }

    @Override
    public boolean symmetric() {
        return true;
    }

    @Override
    public int middle() {
        return 0;
    }

    @Override
    public FittedGrid grid(ClipSearch search, float unit) {
        return new LevelGrid(this, search, unit);
    }

    @Override
    public int code(float w, float scale, float offset, int zero) {
        return elements.code(w / scale);
    }

    @Override
    public float value(int code, float scale, float offset, int zero) {
        return elements.value(code) * scale;
    }

    @Override
    public float offset(float scale, float minimum) {
        return 0;
    }

    @Override
    public int unitBytes() {
        return scale.hasUnit() || rule == ScaleRule.FLOOR_4_3 ? Float.BYTES : 0;
    }

    @Override
    public float unit(float[] w) {
        if (!scale.hasUnit()) {
            return rule == ScaleRule.FLOOR_4_3 ? THIRD : 1;
        }
        float most = 0;
        for (float x : w) {
            most = Math.max(most, Math.abs(x));
        }
        return unit(most);
    }

    /**
     * g for values of at most that magnitude: a power of two by the rule that says so; else, where float32 has one, a number that
     * is the inverse of its own inverse, because some engines store 1 / g.
     */
    float unit(float most) {
        if (most == 0) {
            return 1;
        }
        float g = Math.max(most / (elements.largest() * scale.largest()), Float.MIN_NORMAL);
        if (rule == ScaleRule.POWER_UNIT) {
            float below = Math.scalb(1f, Math.getExponent(g));
            return g == below ? g : 2 * below;
        }
        for (int i = 0; i < INVERSIONS && g != 1 / (1 / g); i++) {
            g = 1 / (1 / g);
        }
        return g;
    }

    /** "mxfp4 ocp-floor", "nvfp4", "nvfp4 power-unit", "fp8_e4m3 per row fp32 scales", "nf4 g64". */
    @Override
    public String label() {
        boolean mx = scale == ScaleType.E8M0 && group == MX_BLOCK && rows == 1;
        boolean nv = scale == ScaleType.E4M3 && group == NV_BLOCK && rows == 1;
        String order = (rule == ScaleRule.POWER_UNIT ? " " + rule.title() : "") + (reordered ? " reordered" : "");
        if (mx) {
            return "mx" + name() + " " + rule.title() + order;
        }
        if (nv) {
            return "nv" + name() + order;
        }
        String scales = switch (scale) {
            case F16 -> "";
            case E8M0 -> " " + scale.title() + " " + rule.title() + " scales";
            default -> " " + scale.title() + " scales";
        };
        return name() + " " + granularity() + scales + order;
    }

    private String name() {
        return switch (elements) {
            case FloatElements e -> "fp" + e.bits() + "_" + e.title();
            case IntElements e -> e.title();
            case Codebook e ->
                e.title() + (e.storesLevels() ? " of " + e.levels().size() : "");
        };
    }
}
