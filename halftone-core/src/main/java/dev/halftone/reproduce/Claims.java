package dev.halftone.reproduce;

import dev.halftone.error.InputException;
import java.util.List;
import java.util.stream.Collectors;

/** All claims that can be reproduced. */
public final class Claims {
    private static final List<Reproducible> ALL = List.of(
            new AdadimClaim(),
            new AdpqClaim(),
            new AwqClaim(),
            new Dmmv(),
            new GoboClaim(),
            new GptqClaim(),
            new GwqClaim(),
            new IntVsFp(),
            new QuantEaseClaim(),
            new SignRoundClaim(),
            new SmoothQuantClaim(),
            new SpqrClaim());

    private Claims() {}

    /** @throws InputException HT-650 for an unknown name */
    public static Reproducible named(String name) {
        return ALL.stream()
                .filter(claim -> claim.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new InputException("HT-650", name, "no such claim; known are " + names(), ""));
    }

    /** All names, with commas between. */
    public static String names() {
        return ALL.stream().map(Reproducible::name).collect(Collectors.joining(", "));
    }
}
