package dev.halftone.runtime.template;

import java.util.ArrayList;
import java.util.List;

/** Python's operators on {@link Values}. */
final class Arithmetic {
    private static final int LONGEST = 1 << 22;

    private Arithmetic() {}

    static Object of(String sign, Object left, Object right) {
        if (sign.equals("~")) {
            return Values.text(left) + Values.text(right);
        }
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return left instanceof Double || right instanceof Double || sign.equals("/")
                    ? floats(sign, Values.number(left), Values.number(right))
                    : integers(sign, Values.integer(left), Values.integer(right));
        }
        if (sign.equals("+") && left instanceof String first && right instanceof String second) {
            return first + second;
        }
        if (sign.equals("+") && left instanceof List<?> && right instanceof List<?>) {
            List<Object> both = new ArrayList<>(Values.items(left));
            both.addAll(Values.items(right));
            return both;
        }
        if (sign.equals("*") && left instanceof String text && right instanceof Long times) {
            return repeated(text, times);
        }
        if (sign.equals("%") && left instanceof String format) {
            return PythonFormat.percent(format, right instanceof List<?> ? Values.items(right) : List.of(right));
        }
        throw new JinjaException("%s %s %s cannot be computed".formatted(Values.kind(left), sign, Values.kind(right)));
    }

    static String repeated(String text, long times) {
        if (text.length() * Math.max(0, times) > LONGEST) {
            throw new JinjaException("a string would be repeated %d times".formatted(times));
        }
        return text.repeat(Math.toIntExact(Math.max(0, times)));
    }

    private static Object integers(String sign, long a, long b) {
        if (b == 0 && (sign.equals("//") || sign.equals("%"))) {
            throw new JinjaException("division by zero");
        }
        return switch (sign) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "//" -> Math.floorDiv(a, b);
            case "%" -> Math.floorMod(a, b);
            case "**" -> power(a, b);
            default -> throw new IllegalArgumentException(sign);
        };
    }

    private static Object power(long a, long b) {
        double power = Math.pow((double) a, (double) b);
        return b < 0 ? (Object) power : (Object) Math.round(power);
    }

    private static Object floats(String sign, double a, double b) {
        if (b == 0 && (sign.equals("/") || sign.equals("//") || sign.equals("%"))) {
            throw new JinjaException("division by zero");
        }
        return switch (sign) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> Math.floor(a / b);
            case "%" -> a - b * Math.floor(a / b);
            case "**" -> Math.pow(a, b);
            default -> throw new IllegalArgumentException(sign);
        };
    }

    /** {@code value[start:stop:step]} as Python counts; null for what is left out. */
    static Object slice(Object value, Object start, Object stop, Object step) {
        List<Object> items = Values.items(value);
        int length = items.size();
        long by = step == None.NONE ? 1 : Values.integer(step);
        if (by == 0) {
            throw new JinjaException("a slice's step is 0");
        }
        long from = bound(start, by > 0 ? 0 : length - 1L, length, by);
        long to = bound(stop, by > 0 ? length : -1, length, by);
        List<Object> taken = new ArrayList<>();
        for (long i = from; by > 0 ? i < to : i > to; i += by) {
            taken.add(items.get(Math.toIntExact(i)));
        }
        if (value instanceof String) {
            StringBuilder text = new StringBuilder();
            taken.forEach(part -> text.append(Values.string(part)));
            return text.toString();
        }
        return taken;
    }

    private static long bound(Object given, long absent, int length, long step) {
        if (given == None.NONE) {
            return absent;
        }
        long value = Values.integer(given);
        long counted = value < 0 ? value + length : value;
        return step > 0 ? Math.clamp(counted, 0, length) : Math.clamp(counted, -1, length - 1L);
    }
}
