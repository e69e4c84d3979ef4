package dev.halftone.evaluate;

import dev.halftone.model.Decoder;
import dev.halftone.tensor.Tensors;
import dev.halftone.tensor.Torch;
import dev.halftone.tensor.Workers;
import dev.halftone.text.TextTokenizer;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How alike two encoders embed sentences. A sentence's embedding is the mean of its tokens' last hidden values, scaled to length 1, as
 * sentence-transformers pools unless a model says otherwise (arXiv:1908.10084).
 *
 * @param sentences that were embedded
 * @param cosine mean over the sentences of the cosine between both embeddings
 * @param lowest cosine
 * @param pairCorrelation Pearson's, over all pairs of sentences, of the cosine that one encoder gives with the other's: what a
 *     search for similar sentences keeps; 1 for fewer than three sentences
 */
public record SentenceSimilarity(
        int sentences, double cosine, double cosineStderr, double lowest, double pairCorrelation) {
    /**
     * Compares.
     *
     * @param model keeps its blocks
     * @param reference keeps its blocks
     * @param sentences token ids
     */
    public static SentenceSimilarity of(Decoder model, Decoder reference, List<int[]> sentences, Workers workers) {
        double[][] own = embeddings(model, sentences, workers);
        double[][] other = embeddings(reference, sentences, workers);
        int n = sentences.size();
        double[] cosines = new double[n];
        double sum = 0;
        double lowest = 1;
        for (int i = 0; i < n; i++) {
            cosines[i] = dot(own[i], other[i]);
            sum += cosines[i];
            lowest = Math.min(lowest, cosines[i]);
        }
        double mean = sum / n;
        double squares = 0;
        for (double cosine : cosines) {
            squares += (cosine - mean) * (cosine - mean);
        }
        double error = n < 2 ? 0 : Math.sqrt(squares / (n - 1) / n);
        return new SentenceSimilarity(n, mean, error, lowest, pairs(own, other));
    }

    /** Unit vectors, one for each sentence. */
    static double[][] embeddings(Decoder decoder, List<int[]> sentences, Workers workers) {
        decoder.keepBlocks();
        double[][] all = new double[sentences.size()][];
        workers.forEach(
                all.length,
                i -> Torch.inScope(() -> {
                    double[] mean =
                            Tensors.doubles(decoder.hidden(sentences.get(i)).mean(0L));
                    double length = Math.sqrt(dot(mean, mean));
                    for (int c = 0; c < mean.length; c++) {
                        mean[c] /= length;
                    }
                    all[i] = mean;
                }));
        return all;
    }

    private static double pairs(double[][] own, double[][] other) {
        double count = 0;
        double x = 0;
        double y = 0;
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (int i = 0; i < own.length; i++) {
            for (int j = 0; j < i; j++) {
                double a = dot(own[i], own[j]);
                double b = dot(other[i], other[j]);
                count++;
                x += a;
                y += b;
                xx += a * a;
                yy += b * b;
                xy += a * b;
            }
        }
        double spread = (count * xx - x * x) * (count * yy - y * y);
        return count < 3 || spread <= 0 ? 1 : (count * xy - x * y) / Math.sqrt(spread);
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    /** The ids of a sentence between the tokens that BERT's tokenizers put around it, cut to a length. */
    public static int[] encode(TextTokenizer tokenizer, String sentence, int longest) {
        JsonNode added = JsonMapper.shared().readTree(tokenizer.toJson()).path("added_tokens");
        int first = -1;
        int last = -1;
        for (JsonNode token : added) {
            String content = token.path("content").asString("");
            first = content.equals("[CLS]") ? token.path("id").asInt() : first;
            last = content.equals("[SEP]") ? token.path("id").asInt() : last;
        }
        int[] inner = tokenizer.encode(sentence);
        int around = (first >= 0 ? 1 : 0) + (last >= 0 ? 1 : 0);
        int kept = Math.min(inner.length, longest - around);
        int[] ids = new int[kept + around];
        int at = 0;
        if (first >= 0) {
            ids[at++] = first;
        }
        System.arraycopy(inner, 0, ids, at, kept);
        if (last >= 0) {
            ids[ids.length - 1] = last;
        }
        return ids;
    }
}
