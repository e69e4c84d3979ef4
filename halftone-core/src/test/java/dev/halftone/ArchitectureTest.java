package dev.halftone;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The arrows of docs/architecture.md. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.halftone");

    /** From the top down: a package may use the ones after it, never the ones before it. */
    private static final List<String> ORDER = List.of(
            "reproduce",
            "recipe",
            "evaluate",
            "training",
            "export",
            "transform",
            "reconstruct",
            "solver",
            "report",
            "calibration",
            "statistics",
            "format",
            "model",
            "checkpoint",
            "text",
            "hub",
            "discrete",
            "rotation",
            "tensor",
            "provenance",
            "yaml",
            "error");

    @Test
    void packagesUseOnlyWhatLiesBelowThem() {
        for (int i = 1; i < ORDER.size(); i++) {
            String[] above = ORDER.subList(0, i).stream()
                    .map(name -> "dev.halftone." + name + "..")
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .resideInAPackage("dev.halftone." + ORDER.get(i) + "..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(above)
                    .check(CLASSES);
        }
    }

    @Test
    void aMethodNeverUsesAnotherMethod() {
        List<String> methods = List.of("Rtn", "Gptq", "QuantEase", "Spqr", "AdpQ", "AdaDim", "Gobo");
        for (String method : methods) {
            String[] others = methods.stream()
                    .filter(other -> !other.equals(method))
                    .map(other -> "dev.halftone.solver." + other)
                    .toArray(String[]::new);
            noClasses()
                    .that()
                    .haveNameMatching("dev\\.halftone\\.solver\\." + method + "(\\$.*)?")
                    .should()
                    .dependOnClassesThat()
                    .haveNameMatching(String.join("|", others).replace(".", "\\.") + "(\\$.*)?")
                    .check(CLASSES);
        }
    }

    @Test
    void theHubKnowsOnlyErrorsAndProvenance() {
        String[] others = ORDER.stream()
                .filter(name -> !List.of("hub", "error", "yaml", "provenance").contains(name))
                .map(name -> "dev.halftone." + name + "..")
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage("dev.halftone.hub..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(others)
                .check(CLASSES);
    }

    @Test
    void checkpointAndTextDoNotKnowEachOther() {
        noClasses()
                .that()
                .resideInAPackage("dev.halftone.text..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.halftone.checkpoint..")
                .check(CLASSES);
    }
}
