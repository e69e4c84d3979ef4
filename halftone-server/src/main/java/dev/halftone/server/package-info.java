/**
 * Models over HTTP, with OpenAI's interface. One thread drives the engine ({@link dev.halftone.server.Scheduler}), one reads and
 * writes the network; between them go requests, pieces of text and cancellations. No sampling, no templates: that is the runtime's.
 */
@NullMarked
package dev.halftone.server;

import org.jspecify.annotations.NullMarked;
