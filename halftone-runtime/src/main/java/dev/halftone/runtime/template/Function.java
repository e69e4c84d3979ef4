package dev.halftone.runtime.template;

import java.util.List;
import java.util.Map;

/** What a template can call: a macro, a method of a value, a function that is given. */
@FunctionalInterface
interface Function {
    Object call(List<Object> positional, Map<String, Object> named);
}
