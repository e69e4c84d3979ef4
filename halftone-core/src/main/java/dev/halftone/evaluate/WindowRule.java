package dev.halftone.evaluate;

import dev.halftone.error.InputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Which windows of a text are read and which of their tokens are scored. The three rules give different perplexities: a figure
 * means nothing without its rule.
 */
public sealed interface WindowRule {
    /**
     * Windows without overlap; every token but each window's first is scored. What the quantization papers print. BOS only
     * where the tokenizer puts it, once in front of the whole text.
     */
    record Gptq() implements WindowRule {}

    /** Windows without overlap, their first token replaced by BOS if the model adds one; the second half is scored. */
    record LlamaCpp() implements WindowRule {}

    /** A window every {@code step} tokens; the last {@code step} tokens of each are scored, of the first window all. */
    record Stride(int step) implements WindowRule {}

    /**
     * A sequence and what is scored in it.
     *
     * @param tokens ids
     * @param firstScored first scored position, at least 1; position p is predicted from the ones before it
     */
    record Window(int[] tokens, int firstScored) {
        /** Scored positions. */
        public int scored() {
            return tokens.length - firstScored;
        }
    }

    /** The rule of that name: "gptq", "llamacpp" or "stride:N". */
    static WindowRule named(String name) {
        if (name.equals("gptq")) {
            return new Gptq();
        }
        if (name.equals("llamacpp")) {
            return new LlamaCpp();
        }
        if (name.matches("stride:[1-9][0-9]{0,5}")) {
            return new Stride(Integer.parseInt(name.substring("stride:".length())));
        }
        throw new InputException("HT-601", "--windows", "\"" + name + "\"; known are gptq, llamacpp, stride:N", "");
    }

    /** The rule's name as users write it. */
    default String label() {
        return switch (this) {
            case Gptq _ -> "gptq";
            case LlamaCpp _ -> "llamacpp";
            case Stride(int step) -> "stride:" + step;
        };
    }

    /**
     * Cuts a text.
     *
     * @param text ids without BOS
     * @param bos id of BOS, or -1 if the model adds none
     * @param length tokens per window
     * @param chunks most windows, or -1 for all
     * @param place the text's file, for messages
     */
    default List<Window> cut(int[] text, int bos, int length, int chunks, String place) {
        List<Window> windows = switch (this) {
            case Gptq _ -> blocks(withBos(text, bos), length, 1);
            case LlamaCpp _ -> {
                List<Window> blocks = blocks(withBos(text, bos), length, length / 2 + 1);
                if (bos >= 0) {
                    blocks.forEach(window -> window.tokens()[0] = bos);
                }
                yield blocks;
            }
            case Stride(int step) -> strided(withBos(text, bos), length, step);
        };
        if (windows.isEmpty()) {
            throw new InputException(
                    "HT-602",
                    place,
                    "the text has %d tokens; one window needs %d".formatted(text.length, length),
                    "give a longer text or a smaller --length");
        }
        return chunks < 0 ? windows : windows.subList(0, Math.min(chunks, windows.size()));
    }

    private static int[] withBos(int[] text, int bos) {
        if (bos < 0) {
            return text;
        }
        int[] result = new int[text.length + 1];
        result[0] = bos;
        System.arraycopy(text, 0, result, 1, text.length);
        return result;
    }

    private static List<Window> blocks(int[] text, int length, int firstScored) {
        List<Window> windows = new ArrayList<>();
        for (int at = 0; at + length <= text.length; at += length) {
            windows.add(new Window(Arrays.copyOfRange(text, at, at + length), firstScored));
        }
        return windows;
    }

    private static List<Window> strided(int[] text, int length, int step) {
        if (step >= length) {
            throw new InputException(
                    "HT-603", "--windows", "stride %d is not below the window's length %d".formatted(step, length), "");
        }
        List<Window> windows = new ArrayList<>();
        int scored = 1;
        for (int start = 0; scored < text.length; start += step) {
            int end = Math.min(text.length, start + length);
            windows.add(new Window(Arrays.copyOfRange(text, start, end), scored - start));
            scored = end;
        }
        return windows;
    }
}
