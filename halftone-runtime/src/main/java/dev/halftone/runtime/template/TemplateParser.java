package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Statement.Branch;
import dev.halftone.runtime.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Text and tags to statements. */
final class TemplateParser {
    private static final int DEEPEST = 100;

    private final TokenReader tokens;
    private final ExpressionParser expressions;
    private int depth;

    private TemplateParser(TokenReader tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    static List<Statement> parse(String template) {
        TemplateParser parser = new TemplateParser(new TokenReader(Lexer.tokens(template)));
        return parser.body(Set.of());
    }

    /** Statements up to a tag of one of these names, which is read up to its name; without names up to the end. */
    private List<Statement> body(Set<String> ends) {
        if (++depth > DEEPEST) {
            throw JinjaException.at(tokens.peek().line(), "blocks are nested more than %d deep".formatted(DEEPEST));
        }
        List<Statement> statements = new ArrayList<>();
        while (true) {
            Token token = tokens.next();
            switch (token.kind()) {
                case TEXT -> statements.add(new Statement.Text(token.text()));
                case OUTPUT_BEGIN -> {
                    statements.add(new Statement.Output(expressions.tuple(), token.line()));
                    tokens.expect(Kind.OUTPUT_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    if (ends.contains(tokens.peek().text())) {
                        depth--;
                        return statements;
                    }
                    statements.add(block(tokens.expectName(), token.line()));
                }
                case END -> {
                    if (!ends.isEmpty()) {
                        throw JinjaException.at(
                                token.line(), "the template ends where one of %s was expected".formatted(ends));
                    }
                    return statements;
                }
                case OUTPUT_END, BLOCK_END, NAME, STRING, INTEGER, FLOAT, SIGN ->
                    throw JinjaException.at(token.line(), "found " + token + " outside a tag");
            }
        }
    }

    private Statement block(String name, int line) {
        return switch (name) {
            case "if" -> ifBlock(line);
            case "for" -> forBlock(line);
            case "set" -> setBlock(line);
            case "macro" -> macro();
            case "filter" -> filtered();
            case "generation" -> group("endgeneration");
            case "break" -> {
                close();
                yield new Statement.Break();
            }
            case "continue" -> {
                close();
                yield new Statement.Continue();
            }
            default -> throw JinjaException.at(line, "the tag '%s' is not known here".formatted(name));
        };
    }

    private void close() {
        tokens.expect(Kind.BLOCK_END, "'%}'");
    }

    /** Up to the end tag, which is read too. */
    private List<Statement> closedBody(String end) {
        close();
        List<Statement> body = body(Set.of(end));
        tokens.next();
        // "endmacro name"
        if (tokens.peek().kind() == Kind.NAME) {
            tokens.next();
        }
        close();
        return body;
    }

    private Statement group(String end) {
        return new Statement.Group(closedBody(end));
    }

    /** One filter, without arguments. */
    private Statement filtered() {
        int line = tokens.peek().line();
        String name = tokens.expectName();
        Expression.Filter filter =
                new Expression.Filter(new Expression.Literal(""), name, Expression.Arguments.NONE, line);
        return new Statement.Filtered(filter, closedBody("endfilter"));
    }

    private Statement ifBlock(int line) {
        List<Branch> branches = new ArrayList<>();
        List<Statement> otherwise = List.of();
        String tag = "if";
        while (!tag.equals("endif")) {
            if (tag.equals("else")) {
                close();
                otherwise = body(Set.of("endif"));
            } else {
                Expression test = expressions.tuple();
                close();
                branches.add(new Branch(test, body(Set.of("elif", "else", "endif"))));
            }
            tag = tokens.expectName();
        }
        close();
        return new Statement.If(branches, otherwise, line);
    }

    private Statement forBlock(int line) {
        List<String> names = names();
        if (!tokens.acceptName("in")) {
            throw tokens.unexpected("'in'");
        }
        Expression items = expressions.unconditional();
        Expression filter = tokens.acceptName("if") ? expressions.expression() : null;
        if (tokens.peek().is(Kind.NAME, "recursive")) {
            throw JinjaException.at(line, "recursive loops are not known here");
        }
        close();
        List<Statement> body = body(Set.of("else", "endfor"));
        List<Statement> otherwise = List.of();
        if (tokens.expectName().equals("else")) {
            close();
            otherwise = body(Set.of("endfor"));
            tokens.next();
        }
        close();
        return new Statement.For(names, items, filter, body, otherwise, line);
    }

    private List<String> names() {
        boolean parenthesis = tokens.acceptSign("(");
        List<String> names = new ArrayList<>(List.of(tokens.expectName()));
        while (tokens.acceptSign(",")) {
            names.add(tokens.expectName());
        }
        if (parenthesis) {
            tokens.expectSign(")");
        }
        return names;
    }

    private Statement setBlock(int line) {
        List<String> names = names();
        if (tokens.acceptSign(".")) {
            String attribute = tokens.expectName();
            tokens.expectSign("=");
            Expression value = expressions.tuple();
            close();
            return new Statement.SetAttribute(names.getFirst(), attribute, value, line);
        }
        if (tokens.acceptSign("=")) {
            Expression value = expressions.tuple();
            close();
            return new Statement.Set(names, value, line);
        }
        return new Statement.Capture(names.getFirst(), closedBody("endset"), line);
    }

    private Statement macro() {
        String name = tokens.expectName();
        tokens.expectSign("(");
        Map<String, @Nullable Expression> parameters = new LinkedHashMap<>();
        while (!tokens.acceptSign(")")) {
            String parameter = tokens.expectName();
            parameters.put(parameter, tokens.acceptSign("=") ? expressions.expression() : null);
            if (!tokens.peek().is(Kind.SIGN, ")")) {
                tokens.expectSign(",");
            }
        }
        return new Statement.Macro(name, parameters, closedBody("endmacro"));
    }
}
