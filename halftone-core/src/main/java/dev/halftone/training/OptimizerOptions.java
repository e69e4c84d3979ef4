package dev.halftone.training;

/** Which optimizer, and how it is set. */
public sealed interface OptimizerOptions permits AdamW.Options, Muon.Options {}
