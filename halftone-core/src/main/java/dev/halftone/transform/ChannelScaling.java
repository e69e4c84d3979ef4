package dev.halftone.transform;

import dev.halftone.model.Junction;
import java.util.Optional;

/** A method that chooses how a junction's channels are scaled. Pure: the result depends on the arguments alone. */
public interface ChannelScaling {
    /** The name in recipes and reports. */
    String name();

    /** True if the method can do something at this junction. */
    boolean handles(Junction junction);

    /** Why the method leaves a junction alone that it was made for; empty where it was not, or does not. */
    default Optional<String> refusal(Junction junction) {
        return Optional.empty();
    }

    /** The scales s of x' = x / s, each positive; empty to leave the junction as it is. */
    Optional<double[]> scales(JunctionView view);
}
