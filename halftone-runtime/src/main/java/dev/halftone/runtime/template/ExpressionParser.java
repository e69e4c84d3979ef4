package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Expression.Arguments;
import dev.halftone.runtime.template.Expression.Compared;
import dev.halftone.runtime.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Expressions by recursive descent, loosest binding first, as Jinja binds them. */
final class ExpressionParser {
    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
    private static final Set<String> NO_ARGUMENT = Set.of("and", "or", "not", "in", "is", "if", "else", "recursive");
    private static final int DEEPEST = 200;

    private final TokenReader tokens;
    private int depth;

    ExpressionParser(TokenReader tokens) {
        this.tokens = tokens;
    }

    /** A value, or several with commas between, which are a tuple. */
    Expression tuple() {
        Expression first = expression();
        if (!tokens.peek().is(Kind.SIGN, ",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.acceptSign(",")) {
            items.add(expression());
        }
        return new Expression.Items(items);
    }

    Expression expression() {
        if (++depth > DEEPEST) {
            throw JinjaException.at(
                    tokens.peek().line(), "an expression is nested more than %d deep".formatted(DEEPEST));
        }
        Expression then = unconditional();
        while (tokens.acceptName("if")) {
            Expression test = unconditional();
            then = new Expression.Choice(test, then, tokens.acceptName("else") ? expression() : null);
        }
        depth--;
        return then;
    }

    /** Without a choice at its end: where a loop's own "if" may follow. */
    Expression unconditional() {
        Expression left = and();
        while (tokens.acceptName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (tokens.acceptName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        if (!tokens.acceptName("not")) {
            return comparison();
        }
        deeper();
        Expression negated = new Expression.Not(not());
        depth--;
        return negated;
    }

    private void deeper() {
        if (++depth > DEEPEST) {
            throw JinjaException.at(
                    tokens.peek().line(), "an expression is nested more than %d deep".formatted(DEEPEST));
        }
    }

    private Expression comparison() {
        Expression first = sum();
        List<Compared> others = new ArrayList<>();
        while (true) {
            Token token = tokens.peek();
            if (token.kind() == Kind.SIGN && COMPARISONS.contains(token.text())) {
                tokens.next();
                others.add(new Compared(token.text(), sum()));
            } else if (tokens.acceptName("in")) {
                others.add(new Compared("in", sum()));
            } else if (token.is(Kind.NAME, "not") && tokens.peekSecond().is(Kind.NAME, "in")) {
                tokens.next();
                tokens.next();
                others.add(new Compared("not in", sum()));
            } else {
                return others.isEmpty() ? first : new Expression.Comparison(first, others);
            }
        }
    }

    private Expression sum() {
        Expression left = joined();
        while (tokens.peek().is(Kind.SIGN, "+") || tokens.peek().is(Kind.SIGN, "-")) {
            Token sign = tokens.next();
            left = new Expression.Arithmetic(sign.text(), left, joined(), sign.line());
        }
        return left;
    }

    private Expression joined() {
        Expression left = product();
        while (tokens.peek().is(Kind.SIGN, "~")) {
            Token sign = tokens.next();
            left = new Expression.Arithmetic(sign.text(), left, product(), sign.line());
        }
        return left;
    }

    private Expression product() {
        Expression left = signed();
        while (tokens.peek().kind() == Kind.SIGN
                && Set.of("*", "/", "//", "%").contains(tokens.peek().text())) {
            Token sign = tokens.next();
            left = new Expression.Arithmetic(sign.text(), left, signed(), sign.line());
        }
        return left;
    }

    private Expression signed() {
        Expression value = filtered(unary());
        while (tokens.peek().is(Kind.SIGN, "**")) {
            Token sign = tokens.next();
            value = new Expression.Arithmetic(sign.text(), value, filtered(unary()), sign.line());
        }
        return value;
    }

    /** A sign binds closer than a filter: {@code -3 | abs} is 3. */
    private Expression unary() {
        if (!tokens.peek().is(Kind.SIGN, "-") && !tokens.peek().is(Kind.SIGN, "+")) {
            return postfix(primary());
        }
        boolean negative = tokens.next().text().equals("-");
        deeper();
        Expression value = unary();
        depth--;
        return negative ? new Expression.Negative(value) : value;
    }

    private Expression primary() {
        Token token = tokens.next();
        return switch (token.kind()) {
            case STRING -> string(token);
            case INTEGER -> integer(token);
            case FLOAT -> new Expression.Literal(Double.valueOf(token.text()));
            case NAME ->
                switch (token.text()) {
                    case "true", "True" -> new Expression.Literal(true);
                    case "false", "False" -> new Expression.Literal(false);
                    case "none", "None" -> new Expression.Literal(None.NONE);
                    default -> new Expression.Name(token.text());
                };
            case SIGN ->
                switch (token.text()) {
                    case "(" -> parenthesis();
                    case "[" -> new Expression.Items(listed("]"));
                    case "{" -> entries();
                    default -> throw value(token);
                };
            case TEXT, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, END -> throw value(token);
        };
    }

    private static JinjaException value(Token token) {
        return JinjaException.at(token.line(), "found %s where a value was expected".formatted(token));
    }

    private static Expression integer(Token token) {
        try {
            return new Expression.Literal(Long.valueOf(token.text()));
        } catch (NumberFormatException e) {
            throw JinjaException.at(token.line(), token + " is too large a number");
        }
    }

    /** Strings side by side are one. */
    private Expression string(Token first) {
        StringBuilder value = new StringBuilder(first.text());
        while (tokens.peek().kind() == Kind.STRING) {
            value.append(tokens.next().text());
        }
        return new Expression.Literal(value.toString());
    }

    private Expression parenthesis() {
        if (tokens.acceptSign(")")) {
            return new Expression.Items(List.of());
        }
        Expression first = expression();
        if (tokens.acceptSign(")")) {
            return first;
        }
        tokens.expectSign(",");
        List<Expression> items = new ArrayList<>(List.of(first));
        items.addAll(listed(")"));
        return new Expression.Items(items);
    }

    private List<Expression> listed(String close) {
        List<Expression> items = new ArrayList<>();
        while (!tokens.acceptSign(close)) {
            items.add(expression());
            if (!tokens.peek().is(Kind.SIGN, close)) {
                tokens.expectSign(",");
            }
        }
        return items;
    }

    private Expression entries() {
        List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
        while (!tokens.acceptSign("}")) {
            Expression key = expression();
            tokens.expectSign(":");
            entries.add(Map.entry(key, expression()));
            if (!tokens.peek().is(Kind.SIGN, "}")) {
                tokens.expectSign(",");
            }
        }
        return new Expression.Entries(entries);
    }

    private Expression postfix(Expression start) {
        Expression value = start;
        while (true) {
            int line = tokens.peek().line();
            if (tokens.acceptSign(".")) {
                value = tokens.peek().kind() == Kind.INTEGER
                        ? new Expression.Item(value, integer(tokens.next()))
                        : new Expression.Attribute(value, tokens.expectName());
            } else if (tokens.acceptSign("[")) {
                value = subscript(value);
            } else if (tokens.acceptSign("(")) {
                value = new Expression.Call(value, arguments(), line);
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression of) {
        Expression start = tokens.peek().is(Kind.SIGN, ":") ? null : expression();
        if (start != null && tokens.acceptSign("]")) {
            return new Expression.Item(of, start);
        }
        tokens.expectSign(":");
        Expression stop = bound();
        Expression step = tokens.acceptSign(":") ? bound() : null;
        tokens.expectSign("]");
        return new Expression.Slice(of, start, stop, step);
    }

    private @Nullable Expression bound() {
        return tokens.peek().is(Kind.SIGN, ":") || tokens.peek().is(Kind.SIGN, "]") ? null : expression();
    }

    /** Behind the opening parenthesis. */
    private Arguments arguments() {
        List<Expression> positional = new ArrayList<>();
        Map<String, Expression> named = new LinkedHashMap<>();
        while (!tokens.acceptSign(")")) {
            if (tokens.peek().kind() == Kind.NAME && tokens.peekSecond().is(Kind.SIGN, "=")) {
                String name = tokens.next().text();
                tokens.next();
                named.put(name, expression());
            } else {
                positional.add(expression());
            }
            if (!tokens.peek().is(Kind.SIGN, ")")) {
                tokens.expectSign(",");
            }
        }
        return new Arguments(positional, named);
    }

    private Expression filtered(Expression start) {
        Expression value = start;
        while (true) {
            if (tokens.peek().is(Kind.SIGN, "|")) {
                value = filter(value);
            } else if (tokens.peek().is(Kind.NAME, "is")) {
                value = test(value);
            } else {
                return value;
            }
        }
    }

    /** At the sign before the filter's name. */
    private Expression.Filter filter(Expression of) {
        int line = tokens.next().line();
        String name = tokens.expectName();
        Arguments arguments = tokens.acceptSign("(") ? arguments() : Arguments.NONE;
        return new Expression.Filter(of, name, arguments, line);
    }

    private Expression test(Expression of) {
        int line = tokens.next().line();
        boolean negated = tokens.acceptName("not");
        String name = tokens.expectName();
        List<Expression> arguments = List.of();
        if (tokens.acceptSign("(")) {
            arguments = arguments().positional();
        } else if (takesArgument(tokens.peek())) {
            arguments = List.of(postfix(primary()));
        }
        return new Expression.Test(of, name, arguments, negated, line);
    }

    /** A test's one argument may stand without parentheses. */
    private static boolean takesArgument(Token token) {
        return switch (token.kind()) {
            case NAME -> !NO_ARGUMENT.contains(token.text());
            case STRING, INTEGER, FLOAT -> true;
            case SIGN -> token.text().equals("[") || token.text().equals("{");
            case TEXT, OUTPUT_BEGIN, OUTPUT_END, BLOCK_BEGIN, BLOCK_END, END -> false;
        };
    }
}
