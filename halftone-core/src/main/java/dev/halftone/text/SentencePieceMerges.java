package dev.halftone.text;

import dev.halftone.text.GgufVocabulary.Merge;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Merges from scores: SentencePiece merges the pair whose union has the highest score, so every way to cut a token into two
 * tokens is a merge, and the scores order them. Equal scores: the longer left part first, as the Hugging Face converter does.
 */
final class SentencePieceMerges {
    private record Scored(Merge merge, float score) {}

    private SentencePieceMerges() {}

    static List<Merge> fromScores(GgufVocabulary vocabulary, List<Number> scores, TokenizerMetadata metadata) {
        GgufVocabulary.checkLength("scores", scores.size(), vocabulary.size(), metadata);
        List<Scored> found = new ArrayList<>();
        for (int id = 0; id < vocabulary.size(); id++) {
            if (merges(vocabulary, id)) {
                addSplits(
                        vocabulary, vocabulary.tokens().get(id), scores.get(id).floatValue(), found);
            }
        }
        found.sort(Comparator.comparingDouble(Scored::score)
                .thenComparingInt(scored -> codePoints(scored.merge().left()))
                .thenComparingInt(scored -> codePoints(scored.merge().right()))
                .reversed());
        return found.stream().map(Scored::merge).toList();
    }

    private static void addSplits(GgufVocabulary vocabulary, String token, float score, List<Scored> found) {
        for (int at = 1; at < token.length(); at++) {
            if (Character.isLowSurrogate(token.charAt(at))) {
                continue;
            }
            Integer left = vocabulary.ids().get(token.substring(0, at));
            Integer right = vocabulary.ids().get(token.substring(at));
            if (left != null && right != null && merges(vocabulary, left) && merges(vocabulary, right)) {
                found.add(new Scored(new Merge(token.substring(0, at), token.substring(at)), score));
            }
        }
    }

    private static boolean merges(GgufVocabulary vocabulary, int id) {
        return switch (vocabulary.types().get(id)) {
            case GgufVocabulary.UNKNOWN, GgufVocabulary.CONTROL, GgufVocabulary.BYTE -> false;
            default -> true;
        };
    }

    private static int codePoints(String text) {
        return text.codePointCount(0, text.length());
    }
}
