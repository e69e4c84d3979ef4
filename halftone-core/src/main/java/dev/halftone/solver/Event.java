package dev.halftone.solver;

/** Something that a solver did other than its method says: part of the result, so that nobody has to read a log. */
public sealed interface Event {
    /** One line for people. */
    String describe();

    /** True if a weaker method took the place of the one asked for: without the recipe's leave a command then ends with exit 4. */
    default boolean weaker() {
        return false;
    }

    /** Inputs that calibration never saw active: their weights are zero in the result. */
    record DeadColumns(int columns) implements Event {
        @Override
        public String describe() {
            return columns + " input columns were zero in every calibration token; their weights were set to 0";
        }
    }

    /** The second moments were singular at the damping asked for. */
    record DampingRaised(double asked, double used) implements Event {
        @Override
        public String describe() {
            return "damping raised from %s to %s of mean(diag H) to make H positive definite".formatted(asked, used);
        }
    }

    /** Fewer calibration tokens than the solver needs to know all directions of its input. */
    record FewTokens(long tokens, int inputs) implements Event {
        @Override
        public String describe() {
            return "%d calibration tokens for %d inputs; 4 per input are the usual least".formatted(tokens, inputs);
        }
    }

    /** Scales at the end of their type's range: values beyond the grid were cut off. */
    record ScalesSaturated(int groups, String type) implements Event {
        @Override
        public String describe() {
            return groups + " groups have values too large for " + type + " scales; they were cut off";
        }
    }

    /** A search of grids that weights errors by the inputs found nothing to weight them by. */
    record SearchUnweighted(String reason) implements Event {
        @Override
        public String describe() {
            return "errors in the search of grids were not weighted: " + reason;
        }

        @Override
        public boolean weaker() {
            return true;
        }
    }

    /**
     * Calibration hardly reached an expert.
     *
     * @param tokens that did
     * @param below fewer than these are too few
     * @param instead what was done
     * @param asked the recipe wanted it so
     */
    record UncoveredExpert(long tokens, int below, String instead, boolean asked) implements Event {
        @Override
        public boolean weaker() {
            return !asked;
        }

        @Override
        public String describe() {
            return "%d calibration tokens reached the expert, fewer than %d: %s".formatted(tokens, below, instead);
        }
    }

    /** Coordinate descent was asked for, and what the method before it stores has no fixed scalar grids. */
    record NotPolished(String format) implements Event {
        @Override
        public boolean weaker() {
            return true;
        }

        @Override
        public String describe() {
            return "not polished: " + format + " has no grid of scales that stay";
        }
    }

    /** No gradient of the model's loss reached a weight whose outliers it should have chosen. */
    record NoGradient(String instead) implements Event {
        @Override
        public boolean weaker() {
            return true;
        }

        @Override
        public String describe() {
            return "no gradient of the loss reached the weight: outliers chosen by " + instead;
        }
    }

    /** Inputs that calibration never saw active, on grids that need not have a 0. */
    record UnseenColumns(int columns) implements Event {
        @Override
        public String describe() {
            return columns + " input columns were zero in every calibration token; their weights were rounded as zeros";
        }
    }

    /** Groups can run along the inputs only. */
    record OneDirection(int outputs, String format) implements Event {
        @Override
        public String describe() {
            return "%d outputs do not split into %s: groups run along the inputs".formatted(outputs, format);
        }
    }

    /** More outliers than a sparse part is made for. */
    record ManyOutliers(double share) implements Event {
        @Override
        public String describe() {
            return "%.1f %% of the weights are outliers, 32 bits each".formatted(100 * share);
        }
    }

    /** The method could not run and plain rounding took its place. */
    record FellBackToRtn(String reason) implements Event {
        @Override
        public boolean weaker() {
            return true;
        }

        @Override
        public String describe() {
            return "rounded to nearest instead: " + reason;
        }
    }
}
