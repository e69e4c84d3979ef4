package dev.halftone.calibration;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Cuts a tokenised text into calibration windows. */
public final class TokenWindows {
    private TokenWindows() {}

    /**
     * The windows that the options ask for, all of {@code length} tokens.
     *
     * @param place the text's file, for messages
     * @throws InputException HT-411 if the text is too short
     */
    public static List<int[]> of(int[] tokens, CalibrationOptions options, String place) {
        long needed = options.sampling() == CalibrationOptions.Sampling.FIRST
                ? (long) options.samples() * options.length()
                : options.length() + 1L;
        if (tokens.length < needed) {
            throw new InputException(
                    "HT-411",
                    place,
                    "the text has %d tokens; %d windows of %d need %d"
                            .formatted(tokens.length, options.samples(), options.length(), needed),
                    "give a longer text or fewer --samples");
        }
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(options.seed());
        List<int[]> windows = new ArrayList<>();
        for (int i = 0; i < options.samples(); i++) {
            int start = switch (options.sampling()) {
                case FIRST -> i * options.length();
                case RANDOM -> random.nextInt(tokens.length - options.length());
            };
            windows.add(Arrays.copyOfRange(tokens, start, start + options.length()));
        }
        return windows;
    }
}
