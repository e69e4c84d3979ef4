/** YAML files read key by key, with line and column in every complaint. What the keys mean belongs to the packages above. */
@NullMarked
package dev.halftone.yaml;

import org.jspecify.annotations.NullMarked;
