/** What made a result: versions, machine, hashes of the inputs. At the bottom, because every result carries it. */
@NullMarked
package dev.halftone.provenance;

import org.jspecify.annotations.NullMarked;
