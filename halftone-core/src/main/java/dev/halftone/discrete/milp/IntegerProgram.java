package dev.halftone.discrete.milp;

import com.google.ortools.linearsolver.MPConstraint;
import com.google.ortools.linearsolver.MPSolver;
import com.google.ortools.linearsolver.MPSolverParameters;
import com.google.ortools.linearsolver.MPVariable;
import dev.halftone.discrete.LevelSet;
import dev.halftone.discrete.MinMaxProblem;
import dev.halftone.error.ResourceException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A min-max problem as a mixed-integer linear program: min t, a_k x - b_k <= t, b_k - a_k x <= t. Codes of evenly spaced levels are
 * integers, other levels are chosen by binary variables. SCIP solves it, to a gap of 0 or until time is up; Glop its relaxation.
 *
 * <p>Everything is counted in the longest step, so that coefficients of codes are those of A. Of the solvers behind OR-Tools "SAT" would be
 * wrong here: it makes integers of the real coefficients, and calls what it finds for those optimal. HiGHS finds what SCIP does, but
 * writes thousands of lines about names to standard output.
 */
public final class IntegerProgram implements AutoCloseable {
    private static final double EVEN = 1e-9;

    private final MinMaxProblem problem;
    private final MPSolver solver;
    private final double unit;
    private final MPVariable t;

    /** x_j is its first level plus the sum of factors times variables. */
    private final List<Part> parts = new ArrayList<>();

    private record Part(double[] factors, MPVariable[] variables) {
        double sum() {
            double sum = 0;
            for (int i = 0; i < factors.length; i++) {
                sum += factors[i] * variables[i].solutionValue();
            }
            return sum;
        }
    }

    /**
     * What the exact solver found.
     *
     * @param codes null if it found none in time
     * @param violation t, computed from the codes; NaN without
     * @param bound no codes are better than this
     * @param optimal true if the codes are proven to be the best
     */
    public record Outcome(int @Nullable [] codes, double violation, double bound, boolean optimal, double seconds) {}

    /**
     * Values of x between the first and the last level of each variable, others than levels too.
     *
     * @param violation t: a lower bound of what codes can reach
     */
    public record Relaxed(double[] x, double violation) {}

    private IntegerProgram(MinMaxProblem problem, String engine, boolean integer) {
        this.problem = problem;
        NativeSolvers.load();
        MPSolver created = MPSolver.createSolver(engine);
        if (created == null) {
            throw new ResourceException(
                    "HT-763", "OR-Tools", "has no " + engine, "use the version that Halftone names");
        }
        this.solver = created;
        this.unit = problem.levels().stream()
                .mapToDouble(IntegerProgram::longest)
                .max()
                .orElseThrow();
        this.t = solver.makeNumVar(0, MPSolver.infinity(), "t");
        for (int j = 0; j < problem.variables(); j++) {
            parts.add(part(j, integer));
        }
        constrain();
        solver.objective().setCoefficient(t, 1);
        solver.objective().setMinimization();
    }

    /**
     * The best codes.
     *
     * @param seconds after which the best so far is taken: results of a run that time ended depend on the machine
     */
    public static Outcome solve(MinMaxProblem problem, double seconds) {
        long begin = System.nanoTime();
        NativeSolvers.load();
        MPSolverParameters exact = new MPSolverParameters();
        try (IntegerProgram program = new IntegerProgram(problem, "SCIP", true)) {
            exact.setDoubleParam(MPSolverParameters.DoubleParam.RELATIVE_MIP_GAP, 0);
            program.solver.setTimeLimit(Math.max(1, Math.round(1000 * seconds)));
            MPSolver.ResultStatus status = program.solver.solve(exact);
            boolean found = status == MPSolver.ResultStatus.OPTIMAL || status == MPSolver.ResultStatus.FEASIBLE;
            int[] codes = found ? program.codes() : null;
            return new Outcome(
                    codes,
                    codes == null ? Double.NaN : problem.violation(codes),
                    found ? program.unit * program.solver.objective().bestBound() : 0,
                    status == MPSolver.ResultStatus.OPTIMAL,
                    (System.nanoTime() - begin) / 1e9);
        } finally {
            exact.delete();
        }
    }

    /** The optimum without the levels. */
    public static Relaxed relax(MinMaxProblem problem) {
        try (IntegerProgram program = new IntegerProgram(problem, "GLOP", false)) {
            MPSolver.ResultStatus status = program.solver.solve();
            if (status != MPSolver.ResultStatus.OPTIMAL) {
                throw new ResourceException(
                        "HT-763",
                        "Glop",
                        "ended with " + status + " instead of an optimum",
                        "scale the problem to numbers near 1");
            }
            double[] x = program.x();
            double[] d = problem.a().residual(x, problem.b());
            return new Relaxed(x, Arrays.stream(d).map(Math::abs).max().orElse(0));
        }
    }

    private static double longest(LevelSet levels) {
        double longest = levels.size() == 1 ? 1 : 0;
        for (int c = 1; c < levels.size(); c++) {
            longest = Math.max(longest, levels.value(c) - levels.value(c - 1));
        }
        return longest;
    }

    private static boolean even(LevelSet levels) {
        double step = longest(levels);
        for (int c = 1; c < levels.size(); c++) {
            if (Math.abs(levels.value(c) - levels.value(c - 1) - step) > EVEN * step) {
                return false;
            }
        }
        return true;
    }

    private Part part(int j, boolean integer) {
        LevelSet levels = problem.levels().get(j);
        int last = levels.size() - 1;
        if (even(levels) || !integer) {
            double step = last == 0 ? 0 : (levels.value(last) - levels.value(0)) / last;
            return new Part(new double[] {step}, new MPVariable[] {solver.makeVar(0, last, integer, "c" + j)});
        }
        double[] factors = new double[last];
        MPVariable[] variables = new MPVariable[last];
        MPConstraint one = solver.makeConstraint(0, 1, "one" + j);
        for (int c = 1; c <= last; c++) {
            factors[c - 1] = levels.value(c) - levels.value(0);
            variables[c - 1] = solver.makeBoolVar("z" + j + "_" + c);
            one.setCoefficient(variables[c - 1], 1);
        }
        return new Part(factors, variables);
    }

    private void constrain() {
        double[] row = new double[problem.variables()];
        for (int k = 0; k < problem.b().length; k++) {
            problem.a().row(k, row);
            double rest = problem.b()[k];
            for (int j = 0; j < row.length; j++) {
                rest -= row[j] * problem.levels().get(j).value(0);
            }
            bound(row, 1, rest / unit, "up" + k);
            bound(row, -1, -rest / unit, "down" + k);
        }
    }

    private void bound(double[] row, int sign, double most, String name) {
        MPConstraint constraint = solver.makeConstraint(-MPSolver.infinity(), most, name);
        constraint.setCoefficient(t, -1);
        for (int j = 0; j < row.length; j++) {
            Part part = parts.get(j);
            for (int i = 0; i < part.factors().length && row[j] != 0; i++) {
                constraint.setCoefficient(part.variables()[i], sign * row[j] * part.factors()[i] / unit);
            }
        }
    }

    private double[] x() {
        double[] x = new double[parts.size()];
        Arrays.setAll(x, j -> problem.levels().get(j).value(0) + parts.get(j).sum());
        return x;
    }

    private int[] codes() {
        return problem.nearest(x());
    }

    @Override
    public void close() {
        solver.delete();
    }
}
