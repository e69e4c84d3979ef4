package dev.halftone.study.claims;

import dev.halftone.reproduce.Claim.Finding;
import dev.halftone.study.analysis.Findings;
import dev.halftone.study.analysis.StudyData;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** A paper's headline claim that a bundled study checks. */
public interface StudyClaim {
    /** What {@code halftone reproduce} calls it. */
    String name();

    /** Where it was made. */
    String paper();

    /** The claim in one sentence. */
    String statement();

    /** The study's file among the bundled ones. */
    String study();

    /** What the claim says of the study's models, and whether it holds. */
    List<Finding> judge(StudyData data, Findings findings);

    /** The claim of that name. */
    static Optional<StudyClaim> named(String name) {
        return all().stream().filter(claim -> claim.name().equals(name)).findFirst();
    }

    /** All names, with commas between. */
    static String names() {
        return all().stream().map(StudyClaim::name).collect(Collectors.joining(", "));
    }

    private static List<StudyClaim> all() {
        return List.of(new CalibrationStudyClaim(), new QllmEvalClaim(), new LlmQbenchClaim());
    }
}
