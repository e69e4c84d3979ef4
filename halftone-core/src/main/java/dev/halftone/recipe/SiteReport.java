package dev.halftone.recipe;

import dev.halftone.solver.Event;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What was done to one weight, and the evidence for it.
 *
 * @param inputs how the linear's inputs are quantized, and that this is simulated: rounded values in a float product; null if they are
 *     not
 * @param bitsPerWeight stored, scales and zeros included
 * @param proxyLoss tr(D H D^T) / tr(W H W^T) of the weight as its solver left it; null without calibration
 * @param rtnLoss the same for rounding to nearest on min-max grids of the same format
 * @param tokens calibration tokens that reached the site
 * @param inputTrace trace of H: sum over the inputs of their mean squares; null without calibration
 * @param codesChanged share of codes that rounding to nearest on the same grids would change
 * @param trained true if the block's reconstruction changed what the solver left
 */
public record SiteReport(
        String name,
        String method,
        String format,
        @Nullable String inputs,
        double bitsPerWeight,
        @Nullable Double proxyLoss,
        @Nullable Double rtnLoss,
        long tokens,
        @Nullable Double inputTrace,
        double codesChanged,
        boolean trained,
        List<EventReport> events) {
    /** The same after training. */
    SiteReport trained(double changed) {
        return new SiteReport(
                name,
                method,
                format,
                inputs,
                bitsPerWeight,
                proxyLoss,
                rtnLoss,
                tokens,
                inputTrace,
                changed,
                true,
                events);
    }

    /**
     * An event in words.
     *
     * @param site the weight
     * @param kind name of the event's type
     */
    public record EventReport(String site, String kind, String message) {
        static EventReport of(String site, Event event) {
            return new EventReport(site, event.getClass().getSimpleName(), event.describe());
        }
    }
}
