package dev.halftone.runtime.template;

import java.util.Map;

/** The one value that a template can change: what loops write into it stays. */
record Namespace(Map<String, Object> values) {}
