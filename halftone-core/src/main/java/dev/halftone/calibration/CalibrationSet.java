package dev.halftone.calibration;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The token sequences that a calibration reads, and what identifies them.
 *
 * @param sequences token ids; lengths may differ
 */
public record CalibrationSet(List<int[]> sequences, Report report) {
    /**
     * What a result says about its calibration: two results with the same hash saw the same tokens.
     *
     * @param mode the text's mode or what else tells sets of one source apart; null where there is nothing
     * @param requested sequences, or documents, that were asked for
     * @param samples sequences that there are; fewer where too little was there to be packed
     * @param length tokens of the longest possible sequence, BOS included
     * @param bos every sequence begins with BOS
     * @param sha256 of the token ids of all sequences, one after the other, as little-endian int32
     * @param tokens number of tokens
     */
    public record Report(
            String source,
            @Nullable String mode,
            int requested,
            int samples,
            int length,
            long seed,
            boolean bos,
            String sha256,
            long tokens,
            int distinctTokens,
            double entropyBits) {}

    static CalibrationSet of(CalibrationOptions options, List<int[]> sequences, boolean bos) {
        TokenHistogram histogram = TokenHistogram.of(sequences);
        Report report = new Report(
                options.source().name(),
                options.source().variant(),
                options.samples(),
                sequences.size(),
                options.length(),
                options.seed(),
                bos,
                sha256(sequences),
                histogram.tokens(),
                histogram.distinct(),
                histogram.entropyBits());
        return new CalibrationSet(List.copyOf(sequences), report);
    }

    private static String sha256(List<int[]> sequences) {
        MessageDigest digest = Request.sha256();
        for (int[] sequence : sequences) {
            ByteBuffer bytes =
                    ByteBuffer.allocate(Integer.BYTES * sequence.length).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asIntBuffer().put(sequence);
            digest.update(bytes);
        }
        return HexFormat.of().formatHex(digest.digest());
    }
}
