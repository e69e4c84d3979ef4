package dev.halftone.statistics;

import dev.halftone.statistics.Accumulator.Totals;
import dev.halftone.statistics.TopValues.Entry;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Outlier metrics of one accumulator. A ratio whose divisor is 0 is 0.
 *
 * <p>Source: arXiv:2208.07339, 2402.17762, 2306.12929 and the repository ModelTC/llmc (kurtosisLlmc). Medians and percentiles of |x|
 * come from the log histogram (right to 6 %), {@code percentiles} from the sample.
 *
 * @param notFinite values that were passed over
 * @param kurtosis plain: 3 for a Gaussian
 * @param kurtosisLlmc with n - 1 in the variance
 * @param tokenKurtosis mean of the tokens' own kurtosis: without the differences between tokens
 * @param crest max |x| / rms
 * @param sixSigmaShare share of values further than 6 standard deviations from the mean
 * @param channelSpread max over median of the channels' max |x|
 * @param energyShare share of the sum of x^2 in the 1 % (at least one) of channels with the largest max |x|
 * @param outlierTokens tokens whose max |x| exceeds 10 times the median of that
 * @param percentiles of the signed values, by percent
 * @param topChannels by max |x|
 * @param topValues by |x|
 */
public record TensorMetrics(
        long count,
        long tokens,
        long notFinite,
        long zeros,
        double min,
        double max,
        double absmax,
        double mean,
        double absmean,
        double rms,
        double std,
        double median,
        double p99,
        double p999,
        double p9999,
        double maxToMean,
        double maxToMedian,
        double crest,
        double crestDb,
        double kurtosis,
        double kurtosisExcess,
        double kurtosisLlmc,
        double tokenKurtosis,
        double skewness,
        double sixSigmaShare,
        double channelSpread,
        double energyShare,
        double outlierTokens,
        List<Percentile> percentiles,
        List<Channel> topChannels,
        List<Entry> topValues) {
    /** A token is an outlier where its max |x| exceeds so many times the median token's. */
    public static final double OUTLIER_TOKEN = 10;

    private static final double SIGMAS = 6;
    private static final int CHANNELS = 8;
    private static final List<Double> PERCENTS = List.of(0.1, 1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0, 99.9);

    /** A quantile of the signed values. */
    public record Percentile(double percent, double value) {}

    /** A channel's largest and mean magnitude. */
    public record Channel(int channel, double absmax, double absmean) {}

    public static TensorMetrics of(Accumulator a) {
        Totals t = a.totals();
        Moments m = t.moments();
        double n = Math.max(1, m.count());
        float[] largest = a.channels().largest();
        double min = m.count() == 0 ? 0 : extreme(a, false);
        double max = m.count() == 0 ? 0 : extreme(a, true);
        double absmax = Math.max(Math.abs(min), Math.abs(max));
        double absmean = t.sumAbs() / n;
        double rms = Math.sqrt(t.sumSquares() / n);
        double std = m.standardDeviation();
        double median = a.histogram().quantile(0.5, absmax);
        double crest = ratio(absmax, rms);
        float[] sample = a.sample().sorted();
        return new TensorMetrics(
                m.count(),
                t.tokens(),
                t.notFinite(),
                a.histogram().zeros(),
                min,
                max,
                absmax,
                m.mean(),
                absmean,
                rms,
                std,
                median,
                a.histogram().quantile(0.99, absmax),
                a.histogram().quantile(0.999, absmax),
                a.histogram().quantile(0.9999, absmax),
                ratio(absmax, absmean),
                ratio(absmax, median),
                crest,
                crest == 0 ? 0 : 20 * Math.log10(crest),
                m.kurtosis(),
                m.kurtosis() == 0 ? 0 : m.kurtosis() - 3,
                m.kurtosis() * ((n - 1) / n) * ((n - 1) / n),
                ratio(t.tokenKurtosis(), (double) t.spreadTokens()),
                m.skewness(),
                std == 0 ? 0 : a.histogram().beyond(m.mean(), SIGMAS * std, min, max) / n,
                spread(largest),
                energyShare(a, largest),
                outlierTokens(a.tokenHistogram(), absmax),
                sample.length == 0 ? List.of() : percentiles(sample),
                topChannels(a, largest),
                a.top().entries());
    }

    private static double ratio(double x, double divisor) {
        return divisor == 0 ? 0 : x / divisor;
    }

    private static double extreme(Accumulator a, boolean upper) {
        IntStream channels = IntStream.range(0, a.channels().channels());
        return upper
                ? channels.mapToDouble(c -> a.channels().high(c)).max().orElse(0)
                : channels.mapToDouble(c -> a.channels().low(c)).min().orElse(0);
    }

    /** max over median of the channels' largest magnitudes. */
    static double spread(float[] largest) {
        float[] sorted = largest.clone();
        Arrays.sort(sorted);
        int n = sorted.length;
        double median = (sorted[(n - 1) / 2] + (double) sorted[n / 2]) / 2;
        return ratio(sorted[n - 1], median);
    }

    /** Channels by their largest magnitude, falling; equal ones by number. */
    static List<Integer> ranking(float[] largest) {
        return IntStream.range(0, largest.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer c) -> -largest[c]))
                .toList();
    }

    private static double energyShare(Accumulator a, float[] largest) {
        double energy = 0;
        for (int c : ranking(largest).subList(0, Math.max(1, largest.length / 100))) {
            energy += a.channels().sumSquares(c);
        }
        return ratio(energy, a.totals().sumSquares());
    }

    private static double outlierTokens(LogHistogram tokens, double absmax) {
        double median = tokens.quantile(0.5, absmax);
        return median == 0 ? 0 : tokens.beyond(0, OUTLIER_TOKEN * median, 0, absmax);
    }

    private static List<Percentile> percentiles(float[] sorted) {
        return PERCENTS.stream()
                .map(percent -> new Percentile(
                        percent,
                        sorted[Math.clamp((int) Math.ceil(percent / 100 * sorted.length) - 1, 0, sorted.length - 1)]))
                .toList();
    }

    private static List<Channel> topChannels(Accumulator a, float[] largest) {
        double tokens = Math.max(1, a.totals().tokens());
        return ranking(largest).stream()
                .limit(CHANNELS)
                .map(c -> new Channel(c, largest[c], a.channels().sumAbs(c) / tokens))
                .toList();
    }

    /** Jaccard index of the {@code k} channels of largest magnitude in two sets of statistics of one site. */
    public static double overlap(Accumulator a, Accumulator b, int k) {
        List<Integer> first = ranking(a.channels().largest()).subList(0, k);
        List<Integer> second = ranking(b.channels().largest()).subList(0, k);
        long both = first.stream().filter(second::contains).count();
        return both / (2.0 * k - both);
    }
}
