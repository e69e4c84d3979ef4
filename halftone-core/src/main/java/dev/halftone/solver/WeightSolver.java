package dev.halftone.solver;

import dev.halftone.format.NumberFormat;
import dev.halftone.tensor.Workers;
import java.util.Optional;

/** A method that chooses the codes of a weight. Pure: the result depends on the arguments alone, not on the number of workers. */
public interface WeightSolver {
    /** The name in recipes and reports. */
    String name();

    /** True if the method reads the inputs' second moments. */
    boolean needsGram();

    /** True if the method reads some of the inputs themselves, which then come with their second moments. */
    default boolean needsTokens() {
        return false;
    }

    /** True if the method leaves outliers that it is told of out of its codes. */
    default boolean keepsOutliers() {
        return false;
    }

    /** The chooser of outliers that ranks weights by the model's loss, if the method has one: then it is given what that chose. */
    default Optional<OutlierChoice> gradientChoice() {
        return Optional.empty();
    }

    /** True if the result is codes of the number format that was asked for, outliers beside them or not: what can be trained further. */
    default boolean givesPlainCodes() {
        return true;
    }

    /** True if the method reads calibration data in some way. */
    default boolean needsData() {
        return needsGram() || gradientChoice().isPresent();
    }

    /** Chooses the codes. */
    Solution find(WeightProblem problem, NumberFormat format, Workers workers);

    /** No other weight with the same second moments follows: large memory that waits for one can go. */
    default void forget() {}

    /** Chooses the codes and measures what that gained over rounding to nearest. */
    default SolvedWeight solve(WeightProblem problem, NumberFormat format, Workers workers) {
        return find(problem, format, workers).withEvidence(workers);
    }
}
