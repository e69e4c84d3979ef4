package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Token.Kind;
import java.util.List;

/** Tokens one after the other, for the parsers. */
final class TokenReader {
    private final List<Token> tokens;
    private int at;

    TokenReader(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token peek() {
        return tokens.get(at);
    }

    Token peekSecond() {
        return tokens.get(Math.min(at + 1, tokens.size() - 1));
    }

    Token next() {
        Token token = tokens.get(at);
        at = Math.min(at + 1, tokens.size() - 1);
        return token;
    }

    boolean accept(Kind kind, String text) {
        if (!peek().is(kind, text)) {
            return false;
        }
        next();
        return true;
    }

    boolean acceptSign(String sign) {
        return accept(Kind.SIGN, sign);
    }

    boolean acceptName(String name) {
        return accept(Kind.NAME, name);
    }

    void expectSign(String sign) {
        if (!acceptSign(sign)) {
            throw unexpected("'" + sign + "'");
        }
    }

    String expectName() {
        if (peek().kind() != Kind.NAME) {
            throw unexpected("a name");
        }
        return next().text();
    }

    void expect(Kind kind, String expected) {
        if (peek().kind() != kind) {
            throw unexpected(expected);
        }
        next();
    }

    JinjaException unexpected(String expected) {
        return JinjaException.at(peek().line(), "found %s where %s was expected".formatted(peek(), expected));
    }
}
