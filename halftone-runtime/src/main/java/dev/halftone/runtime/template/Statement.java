package dev.halftone.runtime.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A part of a template; {@link Renderer} gives the meaning. */
sealed interface Statement {
    record Text(String text) implements Statement {}

    record Output(Expression value, int line) implements Statement {}

    record If(List<Branch> branches, List<Statement> otherwise, int line) implements Statement {}

    record Branch(Expression test, List<Statement> body) {}

    /** @param filter items for which it is false are left out, and not counted */
    record For(
            List<String> names,
            Expression items,
            @Nullable Expression filter,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    /** {@code set a, b = value}. */
    record Set(List<String> names, Expression value, int line) implements Statement {}

    /** {@code set namespace.name = value}. */
    record SetAttribute(String namespace, String name, Expression value, int line) implements Statement {}

    /** What lies between {@code set name} and {@code endset}. */
    record Capture(String name, List<Statement> body, int line) implements Statement {}

    /** @param parameters names with their default values, null for none */
    record Macro(String name, Map<String, @Nullable Expression> parameters, List<Statement> body)
            implements Statement {}

    /** What lies inside passes through filters on its way out. */
    record Filtered(Expression.Filter filter, List<Statement> body) implements Statement {}

    /** Parts that mean nothing to the text, such as {@code generation}. */
    record Group(List<Statement> body) implements Statement {}

    record Break() implements Statement {}

    record Continue() implements Statement {}
}
