package dev.halftone.statistics;

import dev.halftone.statistics.Accumulator.Limits;
import dev.halftone.statistics.Accumulator.Place;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * A site's statistics, position 0 of each sequence kept apart: its activations may be a thousand times the rest.
 *
 * @param first of the tokens at position 0
 * @param rest of all other tokens
 */
public record SiteStatistics(Site site, Accumulator first, Accumulator rest, PositionProfile positions) {
    private static final RandomGeneratorFactory<RandomGenerator> RANDOM = RandomGeneratorFactory.of("L64X128MixRandom");

    static SiteStatistics empty(Site site, Limits limits, int positions) {
        return new SiteStatistics(
                site,
                new Accumulator(site.channels(), limits),
                new Accumulator(site.channels(), limits),
                new PositionProfile(positions));
    }

    /** Adds a whole sequence: x (ids.length, channels), from the beginning of the array. The sample depends on seed, site and sequence alone. */
    void add(float[] x, int sequence, int[] ids, long seed) {
        int tokens = ids.length;
        RandomGenerator random = RANDOM.create(key(sequence, seed));
        first.add(x, 0, 1, new Place(sequence, 0, ids), random, positions);
        if (tokens > 1) {
            rest.add(x, site.channels(), tokens - 1, new Place(sequence, 1, ids), random, positions);
        }
    }

    /** Adds tokens of a sequence whose positions are not known: x (tokens, channels), from the beginning of the array. */
    void addSome(float[] x, int tokens, int sequence, long seed) {
        RandomGenerator random = RANDOM.create(key(sequence, seed));
        rest.add(x, 0, tokens, Place.NONE, random, new PositionProfile(tokens));
    }

    private long key(int sequence, long seed) {
        return (seed * 0x9E37_79B9_7F4A_7C15L + site.name().hashCode()) * 0x9E37_79B9_7F4A_7C15L + sequence;
    }

    /** All tokens. */
    public Accumulator all() {
        return Accumulator.merged(first, rest);
    }

    SiteStatistics merged(SiteStatistics other) {
        return new SiteStatistics(
                site,
                Accumulator.merged(first, other.first),
                Accumulator.merged(rest, other.rest),
                PositionProfile.merged(positions, other.positions));
    }

    /** Adds another sequence's. */
    void merge(SiteStatistics other) {
        first.merge(other.first);
        rest.merge(other.rest);
        positions.merge(other.positions);
    }
}
