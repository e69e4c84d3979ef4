package dev.halftone.runtime.template;

import dev.halftone.runtime.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a template into tokens. White space as transformers sets Jinja up ({@code trim_blocks}, {@code lstrip_blocks}): the line
 * break behind a block tag goes, and so does what stands before one on its line if that is white space; a minus sign inside a
 * tag takes all white space on its side, a plus sign keeps it.
 */
final class Lexer {
    private static final List<String> SIGNS = List.of(
            "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{",
            "}", ".", ",", ":", "|");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int at;

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        // As Jinja does, unless it is told to keep it.
        Lexer lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        boolean stripNext = false;
        boolean trimNext = false;
        while (at < source.length()) {
            int tag = nextTag();
            String text = source.substring(at, tag);
            if (stripNext) {
                text = text.stripLeading();
            } else if (trimNext && text.startsWith("\n")) {
                text = text.substring(1);
            }
            if (tag == source.length()) {
                text(text, at);
                break;
            }
            char kind = source.charAt(tag + 1);
            char control = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            text(before(text, kind, control, tag), at);
            at = tag + (control == '-' || (control == '+' && kind != '{') ? 3 : 2);
            char closing = switch (kind) {
                case '#' -> comment(tag);
                case '%' -> inside(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
                default -> inside(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
            };
            stripNext = closing == '-';
            trimNext = kind != '{' && closing != '+';
        }
        tokens.add(new Token(Kind.END, "", line(source.length())));
    }

    /** Where the next tag begins; the length of the source if there is none. */
    private int nextTag() {
        for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
            if ("{%#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return source.length();
    }

    private void text(String text, int from) {
        if (!text.isEmpty()) {
            tokens.add(new Token(Kind.TEXT, text, line(from)));
        }
    }

    private String before(String text, char kind, char control, int tag) {
        if (control == '-') {
            return text.stripTrailing();
        }
        if (kind == '{' || control == '+') {
            return text;
        }
        int lineStart = source.lastIndexOf('\n', tag - 1) + 1;
        int keep = Math.max(0, text.length() - (tag - lineStart));
        // What stands between the line's beginning and the tag, where nothing else does.
        return source.substring(lineStart, tag).isBlank() ? text.substring(0, keep) : text;
    }

    private char comment(int tag) {
        int end = source.indexOf("#}", at);
        if (end < 0) {
            throw JinjaException.at(line(tag), "a comment has no end");
        }
        at = end + 2;
        char control = source.charAt(end - 1);
        return end - 1 > tag + 1 ? control : ' ';
    }

    /** Tokens up to the tag's end; the sign before the end, or a space. */
    private char inside(Kind begin, Kind end, String close) {
        tokens.add(new Token(begin, close, line(at)));
        int depth = 0;
        while (true) {
            skipSpace();
            if (at >= source.length()) {
                throw JinjaException.at(line(source.length()), "a tag has no end: '%s' is missing".formatted(close));
            }
            char c = source.charAt(at);
            if (depth == 0) {
                int sign = (c == '-' || c == '+') && source.startsWith(close, at + 1) ? 1 : 0;
                if (source.startsWith(close, at + sign)) {
                    tokens.add(new Token(end, close, line(at)));
                    at += sign + close.length();
                    return sign == 1 ? c : ' ';
                }
            }
            depth += "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
            word(c);
        }
    }

    private void skipSpace() {
        while (at < source.length() && Character.isWhitespace(source.charAt(at))) {
            at++;
        }
    }

    private void word(char c) {
        int from = at;
        if (c == '\'' || c == '"') {
            string(c);
        } else if (Character.isDigit(c)) {
            number();
        } else if (Character.isLetter(c) || c == '_') {
            while (at < source.length() && (Character.isLetterOrDigit(source.charAt(at)) || source.charAt(at) == '_')) {
                at++;
            }
            tokens.add(new Token(Kind.NAME, source.substring(from, at), line(from)));
        } else {
            String sign = SIGNS.stream()
                    .filter(s -> source.startsWith(s, from))
                    .findFirst()
                    .orElseThrow(() -> JinjaException.at(line(from), "'%s' is no sign of Jinja".formatted(c)));
            at += sign.length();
            tokens.add(new Token(Kind.SIGN, sign, line(from)));
        }
    }

    private void number() {
        int from = at;
        while (at < source.length() && (Character.isDigit(source.charAt(at)) || source.charAt(at) == '_')) {
            at++;
        }
        boolean fraction =
                at + 1 < source.length() && source.charAt(at) == '.' && Character.isDigit(source.charAt(at + 1));
        if (fraction) {
            at++;
            while (at < source.length() && Character.isDigit(source.charAt(at))) {
                at++;
            }
        }
        String digits = source.substring(from, at).replace("_", "");
        tokens.add(new Token(fraction ? Kind.FLOAT : Kind.INTEGER, digits, line(from)));
    }

    private void string(char quote) {
        int from = at;
        StringBuilder value = new StringBuilder();
        for (at++; at < source.length(); at++) {
            char c = source.charAt(at);
            if (c == quote) {
                at++;
                tokens.add(new Token(Kind.STRING, value.toString(), line(from)));
                return;
            }
            if (c == '\\' && at + 1 < source.length()) {
                at++;
                escape(value);
            } else {
                value.append(c);
            }
        }
        throw JinjaException.at(line(from), "a string has no end");
    }

    private void escape(StringBuilder value) {
        char c = source.charAt(at);
        switch (c) {
            case 'n' -> value.append('\n');
            case 't' -> value.append('\t');
            case 'r' -> value.append('\r');
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case '\\', '\'', '"' -> value.append(c);
            case 'x' -> code(value, 2);
            case 'u' -> code(value, 4);
            default -> value.append('\\').append(c);
        }
    }

    private void code(StringBuilder value, int digits) {
        int end = at + 1 + digits;
        try {
            value.append((char) Integer.parseInt(source.substring(at + 1, end), 16));
        } catch (NumberFormatException | StringIndexOutOfBoundsException e) {
            throw JinjaException.at(
                    line(at), "an escape in a string has fewer than %d hexadecimal digits".formatted(digits));
        }
        at = end - 1;
    }

    private int line(int position) {
        return 1
                + (int) source.substring(0, Math.min(position, source.length()))
                        .chars()
                        .filter(c -> c == '\n')
                        .count();
    }
}
