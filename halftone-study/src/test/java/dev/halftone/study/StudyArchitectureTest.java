package dev.halftone.study;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md for the packages of studies. */
class StudyArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.halftone.study");

    /** From the top down. */
    private static final List<String> ORDER =
            List.of("studio", "report", "claims", "recommend", "run", "analysis", "store", "plan");

    @Test
    void packagesUseOnlyWhatLiesBelowThem() {
        for (int i = 1; i < ORDER.size(); i++) {
            String[] above = ORDER.subList(0, i).stream()
                    .map(name -> "dev.halftone.study." + name + "..")
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage("dev.halftone.study." + ORDER.get(i) + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(above)
                    .check(CLASSES);
        }
    }

    @Test
    void onlyTheDriverWritesTheStore() {
        noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.halftone.study.report..", "dev.halftone.study.recommend..", "dev.halftone.study.studio..")
                .should()
                .callMethod("dev.halftone.study.store.StudyStore", "write", "dev.halftone.study.store.StudyStore$Work")
                .check(CLASSES);
    }
}
