package dev.halftone.runtime;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md for the runtime. */
class RuntimeArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.halftone.runtime");

    @Test
    void aModelIsRunWithoutWhatMakesAndJudgesIt() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.halftone.reproduce..",
                        "dev.halftone.recipe..",
                        "dev.halftone.training..",
                        "dev.halftone.export..",
                        "dev.halftone.transform..",
                        "dev.halftone.reconstruct..",
                        "dev.halftone.solver..",
                        "dev.halftone.calibration..",
                        "dev.halftone.statistics..",
                        "dev.halftone.study..",
                        "dev.halftone.app..")
                .check(CLASSES);
    }

    @Test
    void thePackedEngineUsesNoTensorsOfLibtorch() {
        noClasses()
                .that()
                .haveNameMatching(
                        "dev\\.halftone\\.runtime\\.(Packed|Forward|Attention|Head|Expert|Weight|Decoder|Model|Kernel|Linears|Spin|Half|Rotary|Row|Batch|Speed).*")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.bytedeco..")
                .check(CLASSES);
    }
}
