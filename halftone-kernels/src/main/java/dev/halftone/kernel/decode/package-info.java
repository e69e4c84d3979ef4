/** What a decoder computes beside the products with its weights, on plain arrays in float32: a scalar twin and the Vector API, same bits. */
@NullMarked
package dev.halftone.kernel.decode;

import org.jspecify.annotations.NullMarked;
