package dev.halftone.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The Walsh-Hadamard transform: pairs within a vector by shuffles, the others vector by vector, four at a time. */
final class VectorHadamard {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = F.length();
    private static final int STAGES = Integer.numberOfTrailingZeros(LANES);

    /** Of stage s: lane i sees lane i ^ 2^s, and is added to it or subtracted from it. */
    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no arrays of generic types
    private static final VectorShuffle<Float>[] PARTNERS = new VectorShuffle[STAGES];

    private static final FloatVector[] SIGNS = new FloatVector[STAGES];

    static {
        for (int s = 0; s < STAGES; s++) {
            int h = 1 << s;
            PARTNERS[s] = VectorShuffle.fromOp(F, i -> i ^ h);
            float[] signs = new float[LANES];
            for (int i = 0; i < LANES; i++) {
                signs[i] = (i & h) == 0 ? 1 : -1;
            }
            SIGNS[s] = FloatVector.fromArray(F, signs, 0);
        }
    }

    private VectorHadamard() {}

    static void transform(float[] x, int at, int length) {
        if (length < LANES) {
            new ScalarKernels().walshHadamard(x, at, length);
            return;
        }
        for (int i = at; i < at + length; i += LANES) {
            FloatVector v = FloatVector.fromArray(F, x, i);
            for (int s = 0; s < STAGES; s++) {
                // A product with 1 or -1 is exact: the bits are those of a + b and a - b.
                v = v.mul(SIGNS[s]).add(v.rearrange(PARTNERS[s]));
            }
            v.intoArray(x, i);
        }
        int h = LANES;
        for (; 4 * h <= length; h *= 4) {
            for (int block = at; block < at + length; block += 4 * h) {
                for (int i = block; i < block + h; i += LANES) {
                    four(x, i, h);
                }
            }
        }
        if (2 * h <= length) {
            for (int i = at; i < at + h; i += LANES) {
                FloatVector a = FloatVector.fromArray(F, x, i);
                FloatVector b = FloatVector.fromArray(F, x, i + h);
                a.add(b).intoArray(x, i);
                a.sub(b).intoArray(x, i + h);
            }
        }
    }

    /** Stages h and 2h of four vectors. */
    private static void four(float[] x, int i, int h) {
        FloatVector a = FloatVector.fromArray(F, x, i);
        FloatVector b = FloatVector.fromArray(F, x, i + h);
        FloatVector c = FloatVector.fromArray(F, x, i + 2 * h);
        FloatVector d = FloatVector.fromArray(F, x, i + 3 * h);
        FloatVector ab = a.add(b);
        FloatVector cd = c.add(d);
        FloatVector aMinusB = a.sub(b);
        FloatVector cMinusD = c.sub(d);
        ab.add(cd).intoArray(x, i);
        aMinusB.add(cMinusD).intoArray(x, i + h);
        ab.sub(cd).intoArray(x, i + 2 * h);
        aMinusB.sub(cMinusD).intoArray(x, i + 3 * h);
    }
}
