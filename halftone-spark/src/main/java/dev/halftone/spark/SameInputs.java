package dev.halftone.spark;

import dev.halftone.error.InputException;
import dev.halftone.format.ModelFile;
import dev.halftone.study.plan.CodeVersion;
import dev.halftone.study.plan.Hashes;
import dev.halftone.study.plan.Job;
import dev.halftone.study.plan.Job.Cell;
import dev.halftone.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * That a process of the cluster sees what the driver saw: the same classes, models and texts behind the same names. A cell's key
 * says what it was computed of, so this must be true of every cell. Each is looked at once in a process.
 */
final class SameInputs {
    private static final Set<String> SEEN = ConcurrentHashMap.newKeySet();

    private SameInputs() {}

    /**
     * Looks at all that a job reads.
     *
     * @param code the driver's {@link CodeVersion}
     * @param directory of the study
     * @throws InputException if something differs; what is not there at all has its own code
     */
    static void check(String code, Job job, Path directory) {
        checkCode(code);
        boolean fresh = !SEEN.contains(job.modelHash());
        for (Cell cell : job.cells()) {
            fresh |= !SEEN.contains(cell.probeHash());
        }
        if (fresh) {
            look(job);
        }
        Path draw = directory.resolve(job.drawFile());
        if (!job.drawFile().isEmpty() && !Files.isRegularFile(draw)) {
            throw new InputException("HT-674", draw.toString(), "is not there", "");
        }
    }

    /** Looks at the classes alone. */
    static void checkCode(String code) {
        if (!SEEN.contains(code)) {
            same("Halftone's classes", CodeVersion.current(), code);
            SEEN.add(code);
        }
    }

    private static void look(Job job) {
        try (ModelFile model = ModelFile.open(job.model());
                TextTokenizer tokenizer = model.tokenizer()) {
            if (!SEEN.contains(job.modelHash())) {
                same(job.model(), Hashes.model(model), job.modelHash());
                SEEN.add(job.modelHash());
            }
            String ids = Hashes.tokenizer(tokenizer);
            for (Cell cell : job.cells()) {
                same(String.join(", ", cell.probe().files()), Hashes.probe(cell.probe(), ids), cell.probeHash());
                SEEN.add(cell.probeHash());
            }
        }
    }

    private static void same(String what, String here, String there) {
        if (!here.equals(there)) {
            throw new InputException("HT-674", what, here + " here, " + there + " where the command was started", "");
        }
    }
}
