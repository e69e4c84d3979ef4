package dev.halftone.solver;

import dev.halftone.format.StoredWeight;
import java.util.List;

/**
 * What a solver returns.
 *
 * @param packed the weight as it will be stored
 * @param proxyLoss tr((W - Q) H (W - Q)^T) / tr(W H W^T), H without damping; NaN where the method was given no H
 * @param rtnLoss the same for round-to-nearest on min-max grids of the same format
 * @param codesChanged share of codes that differ from rounding to nearest on the same grids
 * @param events what did not go as the method says
 */
public record SolvedWeight(
        StoredWeight packed, double proxyLoss, double rtnLoss, double codesChanged, List<Event> events) {}
