package dev.halftone.server;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md between the server and the runtime. */
class ServerArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.halftone.runtime", "dev.halftone.server");

    /** From the top down. */
    private static final List<String> ORDER = List.of(
            "dev.halftone.server",
            "dev.halftone.runtime.generate",
            "dev.halftone.runtime.template",
            "dev.halftone.runtime");

    @Test
    void packagesUseOnlyWhatLiesBelowThem() {
        for (int i = 1; i < ORDER.size(); i++) {
            noClasses()
                    .that()
                    .resideInAPackage(ORDER.get(i))
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(ORDER.subList(0, i).toArray(String[]::new))
                    .check(CLASSES);
        }
    }

    @Test
    void templatesKnowNothingButErrorsAndJson() {
        noClasses()
                .that()
                .resideInAPackage("dev.halftone.runtime.template")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.halftone.model..", "dev.halftone.format..", "java.nio.file..", "java.lang.reflect..")
                .check(CLASSES);
    }
}
