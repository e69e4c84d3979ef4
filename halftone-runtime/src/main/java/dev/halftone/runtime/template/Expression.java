package dev.halftone.runtime.template;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a template computes; {@link Evaluator} gives the meaning. */
sealed interface Expression {
    record Literal(Object value) implements Expression {}

    record Name(String name) implements Expression {}

    /** A list, or a tuple, which differs in nothing that templates see. */
    record Items(List<Expression> items) implements Expression {}

    record Entries(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

    record Attribute(Expression of, String name) implements Expression {}

    record Item(Expression of, Expression key) implements Expression {}

    record Slice(
            Expression of,
            @Nullable Expression start,
            @Nullable Expression stop,
            @Nullable Expression step) implements Expression {}

    record Arguments(List<Expression> positional, Map<String, Expression> named) {
        static final Arguments NONE = new Arguments(List.of(), Map.of());
    }

    record Call(Expression function, Arguments arguments, int line) implements Expression {}

    record Filter(Expression of, String name, Arguments arguments, int line) implements Expression {}

    record Test(Expression of, String name, List<Expression> arguments, boolean negated, int line)
            implements Expression {}

    record Not(Expression of) implements Expression {}

    record Negative(Expression of) implements Expression {}

    /** {@code +} and its kin, and {@code ~}. */
    record Arithmetic(String sign, Expression left, Expression right, int line) implements Expression {}

    record And(Expression left, Expression right) implements Expression {}

    record Or(Expression left, Expression right) implements Expression {}

    /** {@code a < b < c} as Python means it. */
    record Comparison(Expression first, List<Compared> others) implements Expression {}

    record Compared(String sign, Expression with) {}

    /** {@code then if test else otherwise}. */
    record Choice(
            Expression test, Expression then, @Nullable Expression otherwise) implements Expression {}
}
