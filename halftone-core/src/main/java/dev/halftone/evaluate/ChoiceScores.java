package dev.halftone.evaluate;

import dev.halftone.evaluate.ChoiceItem.Option;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * What a model said to the items of a task, and the figures that follow from it.
 *
 * @param logLikelihood of each option of each item, in nats
 * @param greedy whether every token of the option was the most probable one
 */
public record ChoiceScores(List<ChoiceItem> items, double[][] logLikelihood, boolean[][] greedy) {
    private static final int BOOTSTRAP_DRAWS = 1000;

    /** By what an option's log-likelihood is divided before options are compared. */
    public enum Norm {
        /** acc: nothing. */
        NONE,
        /** acc_norm: code points of the choice, without the space in front. */
        CHARACTERS,
        /** acc_bytes: UTF-8 bytes of the choice, without the space in front. */
        BYTES;

        private double length(Option option) {
            String choice = option.choice();
            return switch (this) {
                case NONE -> 1;
                case CHARACTERS -> choice.codePointCount(0, choice.length());
                case BYTES -> choice.getBytes(StandardCharsets.UTF_8).length;
            };
        }
    }

    /** The option that an item's log-likelihoods choose, the first of equals; -1 if one of them is no number. */
    public int pick(int item, Norm norm) {
        List<Option> options = items.get(item).options();
        int best = 0;
        double highest = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < options.size(); i++) {
            double value = logLikelihood[item][i] / norm.length(options.get(i));
            if (Double.isNaN(value)) {
                return -1;
            }
            if (value > highest) {
                highest = value;
                best = i;
            }
        }
        return best;
    }

    /** 1 for each item answered rightly, else 0. A cloze is right if it is what greedy decoding gives. */
    public double[] right(Norm norm) {
        double[] right = new double[items.size()];
        Arrays.setAll(right, i -> isRight(i, norm) ? 1 : 0);
        return right;
    }

    private boolean isRight(int item, Norm norm) {
        return items.get(item).cloze()
                ? greedy[item][0]
                : pick(item, norm) == items.get(item).gold();
    }

    /** Share of right answers. */
    public Estimate accuracy(Norm norm) {
        return Estimate.mean(right(norm));
    }

    /** Accuracy of guessing: mean of 1 / options, and 0 for a cloze, whose options are all words there are. */
    public double chance() {
        return items.stream()
                .mapToDouble(item -> item.cloze() ? 0 : 1.0 / item.options().size())
                .average()
                .orElse(0);
    }

    /**
     * exp of the mean negative log-likelihood of the right option, per item and not per token: the harness' figure for clozes.
     * The error is the standard deviation of {@value #BOOTSTRAP_DRAWS} means over items drawn with replacement.
     */
    public Estimate perplexity() {
        int n = items.size();
        double[] nll = new double[n];
        Arrays.setAll(nll, i -> -logLikelihood[i][items.get(i).gold()]);
        RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(1);
        double[] draws = new double[BOOTSTRAP_DRAWS];
        for (int draw = 0; draw < draws.length; draw++) {
            double sum = 0;
            for (int i = 0; i < n; i++) {
                sum += nll[random.nextInt(n)];
            }
            draws[draw] = Math.exp(sum / n);
        }
        return new Estimate(
                Math.exp(Estimate.mean(nll).value()), Estimate.mean(draws).error() * Math.sqrt(draws.length));
    }
}
