package dev.halftone.solver;

/** Something that a solver did other than its method says: part of the result, so that nobody has to read a log. */
public sealed interface Event {
    /** One line for people. */
    String describe();

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

    /** The method could not run and plain rounding took its place: a weaker result, which ends a command with exit 4. */
    record FellBackToRtn(String reason) implements Event {
        @Override
        public String describe() {
            return "rounded to nearest instead: " + reason;
        }
    }
}
