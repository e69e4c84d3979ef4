/** Methods that change a model's weights without changing its function, so that it is easier to quantize: one file each. */
@NullMarked
package dev.halftone.transform;

import org.jspecify.annotations.NullMarked;
