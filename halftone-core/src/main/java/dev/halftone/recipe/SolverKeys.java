package dev.halftone.recipe;

import dev.halftone.format.GridMode;
import dev.halftone.format.IntGroup;
import dev.halftone.format.NumberFormat;
import dev.halftone.format.Outliers.Placement;
import dev.halftone.format.TwoGridGroup;
import dev.halftone.solver.AdaDim;
import dev.halftone.solver.AdpQ;
import dev.halftone.solver.ColumnOrder;
import dev.halftone.solver.Gobo;
import dev.halftone.solver.GradientChooser;
import dev.halftone.solver.MagnitudeChooser;
import dev.halftone.solver.OutlierChoice;
import dev.halftone.solver.OutlierChooser;
import dev.halftone.solver.OutlierSplit;
import dev.halftone.solver.Polish;
import dev.halftone.solver.QuantEase;
import dev.halftone.solver.RandomChooser;
import dev.halftone.solver.Rtn;
import dev.halftone.solver.SensitivityChooser;
import dev.halftone.solver.Spqr;
import dev.halftone.solver.ThresholdChooser;
import dev.halftone.solver.WeightSolver;
import dev.halftone.yaml.YamlReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The keys of {@code weights} that belong to methods other than rtn and gptq, and those that any method takes: outliers and polish. */
final class SolverKeys {
    static final List<String> METHODS = List.of("quantease", "spqr", "adpq", "adadim", "gobo");

    private static final String OUTLIERS = "outliers";
    private static final String SHARE = "share";
    private static final String CHOOSE = "choose";
    private static final String IHT = "iht";
    private static final double USUAL_SHARE = 0.01;
    private static final int MOST_SWEEPS = 1000;

    /** Rows that SpQR's loop hands over at once. */
    private static final int MOST_ROWS = 64;

    private SolverKeys() {}

    /** The format as a method takes it: AdpQ's grids need no zero. */
    static NumberFormat format(YamlReader reader, String method, NumberFormat format) {
        if (!method.equals("adpq") || !(format instanceof IntGroup f)) {
            return format;
        }
        GridMode mode = switch (f.mode()) {
            case ASYM -> GridMode.AFFINE;
            case SYM_WIDE -> GridMode.SYM;
            default -> f.mode();
        };
        return WeightKeys.placed(
                reader, "mode", () -> new IntGroup(f.bits(), f.group(), mode, f.scale(), f.rows(), f.reordered()));
    }

    /** The solver of a method; empty if it is none of these. */
    static Optional<WeightSolver> read(YamlReader reader, String method, NumberFormat format) {
        return switch (method) {
            case "quantease" -> Optional.of(quantEase(reader));
            case "spqr" -> Optional.of(spqr(reader, format));
            case "adpq" -> Optional.of(adpq(reader, format));
            case "adadim" -> Optional.of(adaDim(reader, format));
            case "gobo" -> Optional.of(gobo(reader, format));
            default -> Optional.empty();
        };
    }

    /** A method with what stands around it. */
    static WeightSolver wrapped(YamlReader reader, WeightSolver method, NumberFormat format) {
        WeightSolver solver = method;
        Optional<OutlierChoice> choice = method instanceof QuantEase ease && !ease.keepsOutliers()
                ? Optional.empty()
                : choice(reader.mapping(OUTLIERS));
        if (choice.isPresent()) {
            if (!method.keepsOutliers()) {
                throw reader.error(OUTLIERS, method.name() + " chooses its outliers itself, or has none");
            }
            if (format.rows() != 1) {
                throw reader.error(OUTLIERS, "outliers need groups within a row");
            }
            solver = new OutlierSplit(solver, choice.get());
        }
        if (!reader.has("polish")) {
            return solver;
        }
        int sweeps = reader.integer("polish", 0);
        if (sweeps < 1 || sweeps > MOST_SWEEPS) {
            throw reader.error("polish", "polish is %d; expected 1 to %d sweeps".formatted(sweeps, MOST_SWEEPS));
        }
        if (!(method instanceof Rtn) && !method.name().equals("gptq")) {
            throw reader.error("polish", "polish goes behind rtn and gptq");
        }
        return new Polish(solver, sweeps);
    }

    private static Optional<OutlierChoice> choice(@Nullable YamlReader keys) {
        if (keys == null) {
            return Optional.empty();
        }
        OutlierChooser chooser = chooser(keys);
        double share = WeightKeys.share(keys, SHARE, USUAL_SHARE);
        keys.finish();
        return Optional.of(new OutlierChoice(chooser, share));
    }

    private static OutlierChooser chooser(YamlReader keys) {
        String name = keys.string(CHOOSE, "");
        for (GradientChooser.Score score : GradientChooser.Score.values()) {
            if (score.title().equals(name)) {
                int samples = keys.integer("samples", 1);
                if (samples < 1) {
                    throw keys.error("samples", "samples is " + samples + "; expected 1 or more");
                }
                return new GradientChooser(score, samples);
            }
        }
        return switch (name) {
            case "magnitude" -> new MagnitudeChooser();
            case "sensitivity" -> new SensitivityChooser(WeightKeys.share(keys, "damping", USUAL_SHARE));
            case IHT -> new ThresholdChooser(sweeps(keys, "iterations", 10));
            case "random" -> new RandomChooser(keys.wide("seed", 1));
            default ->
                throw keys.error(
                        CHOOSE,
                        CHOOSE + " is \"" + name + "\"; known are magnitude, gradient, gradient-weight, gradient-error,"
                                + " sensitivity, iht, random");
        };
    }

    private static int sweeps(YamlReader reader, String key, int absent) {
        int sweeps = reader.integer(key, absent);
        if (sweeps < 1 || sweeps > MOST_SWEEPS) {
            throw reader.error(key, "%s is %d; expected 1 to %d".formatted(key, sweeps, MOST_SWEEPS));
        }
        return sweeps;
    }

    private static QuantEase quantEase(YamlReader reader) {
        QuantEase.Start start = reader.has("start")
                ? WeightKeys.choice(reader, "start", QuantEase.Start.values(), QuantEase.Start::title)
                : QuantEase.Start.GPTQ;
        return new QuantEase(new QuantEase.Options(
                WeightKeys.search(reader, "weighted"),
                start,
                sweeps(reader, "sweeps", QuantEase.SWEEPS),
                reader.flag("relax", true),
                WeightKeys.share(reader, "damping", 0.01),
                sparse(reader.mapping(OUTLIERS))));
    }

    /** QuantEase chooses outliers on the way if they are asked for by iht. */
    private static QuantEase.@Nullable Sparse sparse(@Nullable YamlReader keys) {
        if (keys == null || !keys.string(CHOOSE, IHT).equals(IHT)) {
            return null;
        }
        Placement placement = keys.has("placement")
                ? WeightKeys.choice(keys, "placement", Placement.values(), Placement::title)
                : Placement.WEIGHTS;
        double share = WeightKeys.share(keys, SHARE, USUAL_SHARE);
        keys.finish();
        return share == 0 ? null : new QuantEase.Sparse(placement, share);
    }

    private static Spqr spqr(YamlReader reader, NumberFormat format) {
        checkIntegers(reader, format, "spqr");
        double threshold = reader.string("threshold", "").equals("none")
                ? Double.POSITIVE_INFINITY
                : reader.number("threshold", 0.2);
        if (!(threshold >= 0)) {
            throw reader.error("threshold", "threshold is " + threshold + "; expected 0 or more, or none");
        }
        int rows = reader.integer("scale_rows", 16);
        if (rows < 1 || MOST_ROWS % rows != 0) {
            throw reader.error("scale_rows", "scale_rows is " + rows + "; expected 1, 2, 4, 8, 16, 32 or 64");
        }
        int bits = reader.integer("scale_bits", 3);
        if (bits < 1 || bits > 8) {
            throw reader.error("scale_bits", "scale_bits is " + bits + "; expected 1 to 8");
        }
        return new Spqr(new Spqr.Options(
                threshold,
                WeightKeys.share(reader, "damping", 1),
                bits,
                rows,
                reader.flag("actorder", true) ? ColumnOrder.ACT : ColumnOrder.NATURAL,
                reader.flag("screen", true)));
    }

    private static void checkIntegers(YamlReader reader, NumberFormat format, String method) {
        boolean fine = format instanceof IntGroup f && f.mode() == GridMode.ASYM && f.rows() == 1 && f.bits() >= 2;
        if (!fine) {
            throw reader.error("format", method + " takes int2 to int8 with symmetric: false, and groups within a row");
        }
    }

    private static WeightSolver adpq(YamlReader reader, NumberFormat format) {
        double share = WeightKeys.share(reader, SHARE, 0.08);
        int bits = reader.integer("outlier_bits", format.bits());
        if (bits == Short.SIZE) {
            return new OutlierSplit(
                    new Rtn(WeightKeys.search(reader, "minmax")), new OutlierChoice(new MagnitudeChooser(), share));
        }
        if (bits != format.bits()) {
            throw reader.error("outlier_bits", "outlier_bits is %d; expected %d or 16".formatted(bits, format.bits()));
        }
        if (!(format instanceof IntGroup grid)) {
            throw reader.error("format", "adpq takes int2 to int8");
        }
        WeightKeys.placed(reader, "group", () -> new TwoGridGroup(grid));
        return new AdpQ(share);
    }

    private static AdaDim adaDim(YamlReader reader, NumberFormat format) {
        if (format.rows() != 1) {
            throw reader.error("group", "adadim needs groups within a row");
        }
        AdaDim.Base[] bases = AdaDim.Base.values();
        AdaDim.Base base =
                reader.has("base") ? WeightKeys.choice(reader, "base", bases, AdaDim.Base::title) : AdaDim.Base.GPTQ;
        AdaDim.Base select =
                reader.has("select") ? WeightKeys.choice(reader, "select", bases, AdaDim.Base::title) : AdaDim.Base.RTN;
        return new AdaDim(new AdaDim.Options(
                base, select, WeightKeys.search(reader, "minmax"), WeightKeys.share(reader, "damping", 0.01)));
    }

    private static Gobo gobo(YamlReader reader, NumberFormat format) {
        List<String> wrong = new ArrayList<>();
        if (!(format instanceof IntGroup)) {
            wrong.add("format");
        }
        if (format.group() != NumberFormat.ROW) {
            wrong.add("group");
        }
        if (!wrong.isEmpty()) {
            throw reader.error(wrong.getFirst(), "gobo takes int2 to int8 and no group: one codebook for a weight");
        }
        return new Gobo(
                reader.has(SHARE)
                        ? new Gobo.Options(null, WeightKeys.share(reader, SHARE, USUAL_SHARE))
                        : new Gobo.Options(reader.number("log_density", -4), 0));
    }
}
