package dev.halftone.recipe;

import dev.halftone.error.InputException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What happens to an expert that fewer than {@code below} calibration tokens reach: its second moments say little, or nothing.
 *
 * @param below 1: experts without any token
 * @param asked the recipe says so; else what takes a method's place counts as a fallback
 */
public record ExpertPolicy(Action action, int below, boolean asked) {
    /** Experts without any token are rounded to nearest, which counts as a fallback. */
    public static final ExpertPolicy DEFAULT = new ExpertPolicy(Action.RTN, 1, false);

    private static final Pattern TEXT = Pattern.compile("(fail|route-all|rtn-below)(?:\\((\\d{1,7})\\))?");

    /** What is done. */
    public enum Action {
        /** The run ends with HT-710. */
        FAIL,
        /** The expert's statistics are of all tokens, as if the router had given it every one. */
        ROUTE_ALL,
        /** Rounded to nearest, without statistics. */
        RTN
    }

    /**
     * Reads {@code fail}, {@code route-all} or {@code rtn-below}, each with a number of tokens behind it in parentheses or not.
     *
     * @throws InputException HT-711
     */
    static ExpertPolicy parse(String text, String place) {
        Matcher matcher = TEXT.matcher(text.replace(" ", ""));
        if (!matcher.matches()) {
            throw new InputException(
                    "HT-711",
                    place,
                    "uncovered_experts is \"" + text + "\"; known are fail, route-all, rtn-below",
                    "for example rtn-below(64)");
        }
        int below = matcher.group(2) == null ? 1 : Math.max(1, Integer.parseInt(matcher.group(2)));
        return new ExpertPolicy(
                switch (matcher.group(1)) {
                    case "fail" -> Action.FAIL;
                    case "route-all" -> Action.ROUTE_ALL;
                    default -> Action.RTN;
                },
                below,
                true);
    }
}
