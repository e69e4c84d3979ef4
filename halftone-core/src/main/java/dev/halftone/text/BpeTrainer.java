package dev.halftone.text;

import dev.halftone.error.InputException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Trains byte-level BPE: the pair of neighbouring tokens that occurs most often becomes a token, again and again.
 *
 * <p>Source: Sennrich et al., arXiv:1508.07909, algorithm 1, over bytes and GPT-2's words with every digit on its own. Ties go to
 * the smaller pair of ids, as in Hugging Face's {@code BpeTrainer}. Pairs are counted once; a merge then changes only the
 * words that hold its pair.
 */
public final class BpeTrainer {
    /** Begins and ends a text. */
    public static final String END_OF_TEXT = "<|endoftext|>";

    /** Fills up a batch. */
    public static final String PADDING = "<|pad|>";

    private static final int SPECIAL = 2;
    private static final Pattern DIGITS = Pattern.compile("\\p{N}|\\P{N}+");
    private static final Pattern WORDS = Pattern.compile(
            "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
            Pattern.UNICODE_CHARACTER_CLASS);

    private final Map<String, Integer> wordCounts = new HashMap<>();

    /**
     * What training found.
     *
     * @param tokens by id: the two special ones, the 256 bytes as their characters, then one per merge
     * @param merges in order of priority, as the two tokens that are merged
     */
    public record Vocabulary(List<String> tokens, List<List<String>> merges) {}

    /** A pair that waits, its count when it was put there, and the words that may hold it. */
    private record Candidate(long pair, long count, List<Integer> words) implements Comparable<Candidate> {
        @Override
        public int compareTo(Candidate other) {
            int byCount = Long.compare(other.count, count);
            return byCount != 0 ? byCount : Long.compare(pair, other.pair);
        }
    }

    /** Counts the words of a text. */
    public void add(String text) {
        Matcher digits = DIGITS.matcher(text);
        Matcher words = WORDS.matcher(text);
        while (digits.find()) {
            words.region(digits.start(), digits.end()); // what looks ahead does not see beyond a region
            while (words.find()) {
                wordCounts.merge(words.group(), 1, Integer::sum);
            }
        }
    }

    /** How many different words there are so far. */
    public int words() {
        return wordCounts.size();
    }

    /**
     * Learns merges until there are {@code size} tokens, or no pair is left.
     *
     * @throws InputException HT-260 if size is below 259 or above 1,000,000
     */
    public Vocabulary train(int size) {
        if (size < 256 + SPECIAL + 1 || size > 1_000_000) {
            throw new InputException("HT-260", "vocabulary", "is " + size + "; expected 259 to 1000000", "");
        }
        Run run = new Run();
        run.learn(size);
        return new Vocabulary(List.copyOf(run.tokens), List.copyOf(run.merges));
    }

    /** The state of one training. */
    private final class Run {
        private final List<String> tokens = new ArrayList<>(List.of(END_OF_TEXT, PADDING));
        private final Map<String, Integer> ids = new HashMap<>();
        private final List<List<String>> merges = new ArrayList<>();
        private final List<int[]> words = new ArrayList<>();
        private final List<Integer> counts = new ArrayList<>();
        private final Map<Long, Long> pairCounts = new HashMap<>();
        private final PriorityQueue<Candidate> queue = new PriorityQueue<>();

        Run() {
            char[] sorted = ByteCharacters.table();
            Arrays.sort(sorted);
            for (char c : sorted) {
                tokens.add(String.valueOf(c));
            }
            for (int id = 0; id < tokens.size(); id++) {
                ids.put(tokens.get(id), id);
            }
            wordCounts.forEach((word, count) -> {
                words.add(bytes(word));
                counts.add(count);
            });
            Map<Long, List<Integer>> where = new HashMap<>();
            for (int w = 0; w < words.size(); w++) {
                int[] word = words.get(w);
                for (int i = 1; i < word.length; i++) {
                    change(word[i - 1], word[i], 1, w, where);
                }
            }
            enqueue(where);
        }

        private int[] bytes(String word) {
            char[] characters = ByteCharacters.table();
            byte[] bytes = word.getBytes(StandardCharsets.UTF_8);
            int[] result = new int[bytes.length];
            for (int i = 0; i < bytes.length; i++) {
                result[i] = ids.getOrDefault(String.valueOf(characters[bytes[i] & 0xFF]), -1);
            }
            return result;
        }

        void learn(int size) {
            while (tokens.size() < size) {
                Candidate top = queue.poll();
                if (top == null) {
                    return;
                }
                long count = pairCounts.getOrDefault(top.pair(), 0L);
                if (count != top.count()) { // other merges took some: back into the queue
                    if (count > 0) {
                        queue.add(new Candidate(top.pair(), count, top.words()));
                    }
                    continue;
                }
                int left = (int) (top.pair() >>> 32);
                int right = (int) top.pair();
                String token = tokens.get(left) + tokens.get(right);
                int merged = ids.computeIfAbsent(token, _ -> tokens.size());
                if (merged == tokens.size()) { // else two other tokens gave the same bytes before
                    tokens.add(token);
                }
                merges.add(List.of(tokens.get(left), tokens.get(right)));
                Map<Long, List<Integer>> where = new LinkedHashMap<>();
                for (int w : top.words()) {
                    merge(w, left, right, merged, where);
                }
                enqueue(where);
            }
        }

        private void merge(int w, int left, int right, int merged, Map<Long, List<Integer>> where) {
            int[] word = words.get(w);
            int[] result = new int[word.length];
            int n = 0;
            for (int i = 0; i < word.length; i++) {
                if (i + 1 < word.length && word[i] == left && word[i + 1] == right) {
                    if (n > 0) {
                        change(result[n - 1], left, -1, w, where);
                        change(result[n - 1], merged, 1, w, where);
                    }
                    i++;
                    if (i + 1 < word.length) {
                        change(right, word[i + 1], -1, w, where);
                        change(merged, word[i + 1], 1, w, where);
                    }
                    result[n++] = merged;
                } else {
                    result[n++] = word[i];
                }
            }
            words.set(w, Arrays.copyOf(result, n));
        }

        private void change(int left, int right, int sign, int w, Map<Long, List<Integer>> where) {
            long pair = ((long) left << 32) | right;
            pairCounts.merge(pair, (long) sign * counts.get(w), Long::sum);
            if (sign > 0) {
                List<Integer> list = where.computeIfAbsent(pair, _ -> new ArrayList<>());
                if (list.isEmpty() || list.getLast() != w) {
                    list.add(w);
                }
            }
        }

        private void enqueue(Map<Long, List<Integer>> where) {
            where.forEach((pair, list) -> {
                long count = pairCounts.getOrDefault(pair, 0L);
                if (count > 0) {
                    queue.add(new Candidate(pair, count, list));
                }
            });
        }
    }
}
