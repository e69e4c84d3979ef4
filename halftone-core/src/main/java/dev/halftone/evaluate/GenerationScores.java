package dev.halftone.evaluate;

import java.util.Arrays;
import java.util.List;

/**
 * What a model wrote to the items of a task, and the figures that follow from it.
 *
 * @param answers of each item, one for each turn
 */
public record GenerationScores(List<GenerationItem> items, List<List<Answer>> answers) {
    /**
     * An answer.
     *
     * @param text without the stop
     * @param ids of the tokens, the stop's included
     * @param truncated tokens that the prompt lost in front because the model reads fewer
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by their elements only, below
    public record Answer(String text, int[] ids, int truncated) {}

    public GenerationScores {
        items = List.copyOf(items);
        answers = List.copyOf(answers);
    }

    /** How right the last answer of each item is, 0 to 1; NaN for open questions. */
    public double[] right() {
        double[] right = new double[items.size()];
        Arrays.setAll(
                right,
                i -> items.get(i)
                        .rule()
                        .score(answers.get(i).getLast().text(), items.get(i).expected()));
        return right;
    }

    /** Mean of {@link #right}. */
    public Estimate accuracy() {
        return Estimate.mean(right());
    }

    /** Prompts that lost their beginning. */
    public int truncated() {
        return (int) answers.stream()
                .flatMap(List::stream)
                .filter(answer -> answer.truncated() > 0)
                .count();
    }

    /**
     * The answers beside a reference's.
     *
     * @param same share of equal answers, token by token
     * @param agreed tokens before the first that differs, mean over the answers
     * @param chrf mean chrF with the reference's answer as the right one, 0 to 1
     */
    public record Agreement(Estimate same, Estimate agreed, Estimate chrf) {}

    /** All answers, turn by turn. */
    public List<Answer> turns() {
        return answers.stream().flatMap(List::stream).toList();
    }

    /** chrF of each turn with the reference's as the right one, 0 to 1. */
    public double[] overlap(GenerationScores reference) {
        List<Answer> own = turns();
        List<Answer> other = reference.turns();
        double[] chrf = new double[own.size()];
        Arrays.setAll(
                chrf, i -> CharacterOverlap.chrf(own.get(i).text(), other.get(i).text()));
        return chrf;
    }

    /** Tokens of each turn before the first that differs from the reference's; -1 where none does. */
    private int[] mismatch(GenerationScores reference) {
        List<Answer> own = turns();
        List<Answer> other = reference.turns();
        int[] mismatch = new int[own.size()];
        Arrays.setAll(
                mismatch, i -> Arrays.mismatch(own.get(i).ids(), other.get(i).ids()));
        return mismatch;
    }

    /** 1 for each turn that has the reference's tokens, else 0. */
    public double[] same(GenerationScores reference) {
        return Arrays.stream(mismatch(reference))
                .mapToDouble(at -> at < 0 ? 1 : 0)
                .toArray();
    }

    /** Compares answer by answer. */
    public Agreement agreement(GenerationScores reference) {
        List<Answer> own = turns();
        int[] mismatch = mismatch(reference);
        double[] agreed = new double[own.size()];
        Arrays.setAll(agreed, i -> mismatch[i] < 0 ? own.get(i).ids().length : mismatch[i]);
        return new Agreement(Estimate.mean(same(reference)), Estimate.mean(agreed), Estimate.mean(overlap(reference)));
    }
}
