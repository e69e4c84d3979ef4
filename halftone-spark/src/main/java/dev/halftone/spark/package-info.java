/**
 * Work that needs no order, on Apache Spark: the cells of a study, the blocks of a model. What is computed is elsewhere; here is how
 * it reaches a cluster and what comes back. Nothing here writes a study's store.
 */
@NullMarked
package dev.halftone.spark;

import org.jspecify.annotations.NullMarked;
