package dev.halftone.evaluate;

import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** When a generated answer is right; {@link #score} is 1 for right and 0 for wrong, or a share. */
public enum AnswerRule {
    /** Equal to one of the expected texts, but for white space at both ends. */
    EXACT {
        @Override
        public double score(String answer, List<String> expected) {
            return any(expected, text -> text.strip().equals(answer.strip()));
        }
    },
    /** The last integer of the answer is the expected one: LongEval's rule for lines. */
    LAST_INTEGER {
        @Override
        public double score(String answer, List<String> expected) {
            String last = last(INTEGER, answer);
            return any(expected, text -> text.strip().equals(last));
        }
    },
    /** Share of the expected texts that stand in the answer, in any case: RULER's rule for needles. */
    CONTAINS_SHARE {
        @Override
        public double score(String answer, List<String> expected) {
            String found = CONTROL.matcher(answer).replaceAll("\n").toLowerCase(Locale.ROOT);
            return (double) expected.stream()
                            .filter(text -> found.contains(text.toLowerCase(Locale.ROOT)))
                            .count()
                    / expected.size();
        }
    },
    /** One of the expected texts stands in the answer, both without case, punctuation and articles: the rule of Lost in the middle. */
    CONTAINS_ANY {
        @Override
        public double score(String answer, List<String> expected) {
            String found = normalised(answer);
            return any(expected, text -> found.contains(normalised(text)));
        }
    },
    /** The number behind the first "#### ": GSM8K's strict rule in the harness. */
    MARKED_NUMBER {
        @Override
        public double score(String answer, List<String> expected) {
            Matcher matcher = MARKED.matcher(answer);
            String found = matcher.find() ? matcher.group(1) : NONE;
            return any(expected, text -> number(text).equals(number(found)));
        }
    },
    /** The last number of the answer: GSM8K's flexible rule in the harness. */
    LAST_NUMBER {
        @Override
        public double score(String answer, List<String> expected) {
            String found = last(NUMBER, answer);
            return any(expected, text -> number(text).equals(number(found.isEmpty() ? NONE : found)));
        }
    },
    /** Answers have no right and wrong: they are compared with a reference's. */
    OPEN {
        @Override
        public double score(String answer, List<String> expected) {
            return Double.NaN;
        }
    };

    private static final String NONE = "[invalid]";
    private static final Pattern INTEGER = Pattern.compile("\\d+");
    private static final Pattern NUMBER = Pattern.compile("-?[$0-9.,]{2,}|-?[0-9]+");
    private static final Pattern MARKED = Pattern.compile("#### (-?[0-9.,]+)");
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f]");
    private static final Pattern ARTICLES = Pattern.compile("\\b(a|an|the)\\b");
    private static final Pattern PUNCTUATION = Pattern.compile("[!-/:-@\\[-`{-~]");
    private static final Pattern SPACES = Pattern.compile("\\s+");

    /** How right an answer is, 0 to 1; NaN where nothing is. */
    public abstract double score(String answer, List<String> expected);

    @FunctionalInterface
    private interface Test {
        boolean holds(String text);
    }

    private static double any(List<String> expected, Test test) {
        return expected.stream().anyMatch(test::holds) ? 1 : 0;
    }

    private static String last(Pattern pattern, String text) {
        Matcher matcher = pattern.matcher(text);
        String last = "";
        while (matcher.find()) {
            last = matcher.group();
        }
        return last;
    }

    /** Without thousands' commas, dollars, everything up to "#### ", and a dot at the end. */
    private static String number(String text) {
        int mark = text.lastIndexOf("#### ");
        return text.substring(mark < 0 ? 0 : mark + 5)
                .replace(",", "")
                .replace("$", "")
                .replaceFirst("\\.$", "")
                .toLowerCase(Locale.ROOT);
    }

    private static String normalised(String text) {
        String plain = PUNCTUATION.matcher(text.toLowerCase(Locale.ROOT)).replaceAll("");
        return SPACES.matcher(ARTICLES.matcher(plain).replaceAll(" "))
                .replaceAll(" ")
                .strip();
    }
}
