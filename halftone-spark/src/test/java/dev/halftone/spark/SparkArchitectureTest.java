package dev.halftone.spark;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** What docs/architecture.md says of this module. */
class SparkArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.halftone");

    @Test
    void sparkComputesAndTheDriverAloneWritesAndJudges() {
        noClasses()
                .that()
                .resideInAPackage("dev.halftone.spark..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.halftone.study.store..",
                        "dev.halftone.study.analysis..",
                        "dev.halftone.study.report..",
                        "dev.halftone.study.recommend..",
                        "dev.halftone.study.studio..")
                .check(CLASSES);
    }

    @Test
    void nothingElseKnowsSpark() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.halftone.spark..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.halftone.spark..", "org.apache.spark..", "scala..")
                .check(CLASSES);
    }
}
