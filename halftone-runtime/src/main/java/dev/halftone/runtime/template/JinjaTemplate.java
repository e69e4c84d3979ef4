package dev.halftone.runtime.template;

import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A template that was read. */
record JinjaTemplate(List<Statement> statements) {
    private static final long LONGEST_RANGE = 100_000;

    static JinjaTemplate parse(String template) {
        return new JinjaTemplate(TemplateParser.parse(template));
    }

    /** @param now what {@code strftime_now} says */
    String render(Map<String, Object> variables, LocalDateTime now) {
        Scope scope = new Scope(null);
        Function exception = (p, _) -> {
            throw JinjaException.raised(p.isEmpty() ? "" : Values.text(p.getFirst()));
        };
        Function time = (p, _) -> time(Values.string(p.getFirst()), now);
        Function range = (p, _) -> range(p.stream().mapToLong(Values::integer).toArray());
        Function dict = Filters::named;
        Function namespace = (p, n) -> new Namespace(Filters.named(p, n));
        scope.set("raise_exception", exception);
        scope.set("strftime_now", time);
        scope.set("range", range);
        scope.set("dict", dict);
        scope.set("namespace", namespace);
        Scope inner = new Scope(scope);
        variables.forEach((name, value) -> inner.set(name, Values.of(value)));
        return Renderer.render(statements, inner);
    }

    private static List<Object> range(long... bounds) {
        long from = bounds.length > 1 ? bounds[0] : 0;
        long to = bounds[bounds.length > 1 ? 1 : 0];
        long step = bounds.length > 2 ? bounds[2] : 1;
        if (step == 0 || Math.abs((to - from) / step) > LONGEST_RANGE) {
            throw new JinjaException("range() has more than %d numbers".formatted(LONGEST_RANGE));
        }
        List<Object> numbers = new ArrayList<>();
        for (long i = from; step > 0 ? i < to : i > to; i += step) {
            numbers.add(i);
        }
        return numbers;
    }

    private static String time(String format, LocalDateTime now) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                text.append(c);
                continue;
            }
            c = format.charAt(++i);
            boolean bare = c == '-' && i + 1 < format.length();
            if (bare) {
                c = format.charAt(++i);
            }
            String field = now.format(DateTimeFormatter.ofPattern(field(c), Locale.ENGLISH));
            text.append(bare ? field.replaceFirst("^0", "") : field);
        }
        return text.toString();
    }

    private static String field(char c) {
        return switch (c) {
            case 'Y' -> "uuuu";
            case 'y' -> "uu";
            case 'm' -> "MM";
            case 'd' -> "dd";
            case 'B' -> "MMMM";
            case 'b' -> "MMM";
            case 'A' -> "EEEE";
            case 'a' -> "EEE";
            case 'H' -> "HH";
            case 'I' -> "hh";
            case 'M' -> "mm";
            case 'S' -> "ss";
            case 'p' -> "a";
            case 'j' -> "DDD";
            case 'F' -> "uuuu-MM-dd";
            case 'T' -> "HH:mm:ss";
            case '%' -> "'%'";
            default -> throw new JinjaException("strftime_now('%%%s') is not known here".formatted(c));
        };
    }
}
