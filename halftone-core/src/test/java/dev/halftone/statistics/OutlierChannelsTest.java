package dev.halftone.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.halftone.statistics.OutlierChannels.Channel;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class OutlierChannelsTest {
    private static final int BLOCKS = 10;
    private static final int TOKENS = 200;
    private static final int CHANNELS = 30;

    @Test
    void aPlantedChannelIsFoundAndNoOther() {
        List<Channel> found = outliers(3, 20, false);
        assertThat(found).extracting(Channel::channel).containsExactly(17);
        assertThat(found.getFirst().blocks()).isEqualTo(3);
        assertThat(found.getFirst().tokenShare()).isCloseTo(0.1, within(1e-12));
        assertThat(found.getFirst().pairShare()).isCloseTo(0.03, within(1e-12));
    }

    @Test
    void tooFewBlocksOrTooFewPositionsAreNoOutlier() {
        assertThat(outliers(2, 20, false)).isEmpty();
        assertThat(outliers(3, 10, false)).isEmpty();
    }

    @Test
    void aChannelThatIsLargeAtPositionZeroAloneIsGoneWithoutIt() {
        OutlierChannels channels = new OutlierChannels(1, 4);
        for (int s = 0; s < 10; s++) {
            OutlierChannels.Sequence sequence = new OutlierChannels.Sequence(5);
            float[] x = new float[20];
            x[2] = -6;
            x[4 * 3 + 1] = 5.99f;
            sequence.see(x, 4);
            channels.endBlock(0, sequence);
            channels.end(sequence);
        }
        assertThat(channels.channels(false)).extracting(Channel::channel).containsExactly(2);
        assertThat(channels.channels(false).getFirst().outlier()).isTrue();
        assertThat(channels.channels(true)).isEmpty();
    }

    /** Value 8 in channel 17 of the first blocks, at the first positions behind 0 of two sequences. */
    private static List<Channel> outliers(int blocks, int positions, boolean withoutFirst) {
        OutlierChannels channels = new OutlierChannels(BLOCKS, CHANNELS);
        for (int s = 0; s < 2; s++) {
            OutlierChannels.Sequence sequence = new OutlierChannels.Sequence(TOKENS);
            Random random = new Random(s);
            for (int b = 0; b < BLOCKS; b++) {
                float[] x = new float[TOKENS * CHANNELS];
                for (int i = 0; i < x.length; i++) {
                    x[i] = (float) Math.clamp(random.nextGaussian(), -5.0, 5.0);
                }
                for (int t = 1; t <= positions && b < blocks; t++) {
                    x[t * CHANNELS + 17] = 8;
                }
                sequence.see(x, CHANNELS);
                channels.endBlock(b, sequence);
            }
            channels.end(sequence);
        }
        return channels.channels(withoutFirst).stream().filter(Channel::outlier).toList();
    }
}
