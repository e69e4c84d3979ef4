package dev.halftone.app;

import dev.halftone.recipe.QuantizationResult.ExpertCoverage;
import java.io.PrintWriter;
import java.util.Collections;
import java.util.List;

/** How many calibration tokens reached the experts of each block. */
final class CoverageTable {
    /** Blocks of more experts show their least and most alone. */
    private static final int SHOWN = 16;

    private CoverageTable() {}

    static void print(PrintWriter out, List<ExpertCoverage> blocks) {
        if (blocks.isEmpty()) {
            return;
        }
        out.println("calibration tokens per expert:");
        for (ExpertCoverage block : blocks) {
            List<Long> tokens = block.tokens();
            out.printf(
                    "  block %d: %d to %d, %d of %d experts without any%s%n",
                    block.block(),
                    Collections.min(tokens),
                    Collections.max(tokens),
                    tokens.stream().filter(count -> count == 0).count(),
                    tokens.size(),
                    tokens.size() <= SHOWN ? " " + tokens : "");
        }
    }
}
