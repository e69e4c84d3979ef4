package dev.halftone.statistics;

/**
 * Central moments to the fourth order that merge without cancellation.
 *
 * <p>Source: Chan, Golub and LeVeque; Pebay (Sandia report SAND2008-6212), pairwise update formulas.
 *
 * @param m2 sum of (x - mean)^2; m3 and m4 likewise
 */
public record Moments(long count, double mean, double m2, double m3, double m4) {
    public static final Moments EMPTY = new Moments(0, 0, 0, 0, 0);

    /** Of both together. */
    public Moments merge(Moments b) {
        if (count == 0) {
            return b;
        }
        if (b.count == 0) {
            return this;
        }
        double na = count;
        double nb = b.count;
        double n = na + nb;
        double delta = b.mean - mean;
        double d = delta / n;
        double product = delta * d * na * nb;
        return new Moments(
                count + b.count,
                mean + d * nb,
                m2 + b.m2 + product,
                m3 + b.m3 + product * d * (na - nb) + 3 * d * (na * b.m2 - nb * m2),
                m4
                        + b.m4
                        + product * d * d * (na * na - na * nb + nb * nb)
                        + 6 * d * d * (na * na * b.m2 + nb * nb * m2)
                        + 4 * d * (na * b.m3 - nb * m3));
    }

    public double standardDeviation() {
        return count == 0 ? 0 : Math.sqrt(m2 / count);
    }

    /** Plain: n M4 / M2^2, 3 for a Gaussian; 0 where all values are equal. */
    public double kurtosis() {
        return m2 == 0 ? 0 : count * m4 / (m2 * m2);
    }

    /** sqrt(n) M3 / M2^1.5; 0 where all values are equal. */
    public double skewness() {
        return m2 == 0 ? 0 : Math.sqrt((double) count) * m3 / Math.pow(m2, 1.5);
    }
}
