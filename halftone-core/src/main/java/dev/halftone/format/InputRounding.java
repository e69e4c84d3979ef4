package dev.halftone.format;

import dev.halftone.format.InputFormat.Range;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.LinearSite;
import dev.halftone.tensor.Tensors;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Tensor;

/** Which linears' inputs are scaled and quantized, and how. Scales and ranges may be added while a model is being calibrated. */
public final class InputRounding implements LinearInputs {
    private final Map<String, InputFormat> formats;
    private final Map<String, Range> ranges = new ConcurrentHashMap<>();
    private final Map<String, float[]> scales = new ConcurrentHashMap<>();

    /** @param formats by the name of the weight; inputs of others stay as they are */
    public InputRounding(Map<String, InputFormat> formats) {
        this.formats = Map.copyOf(formats);
    }

    /** The same scales, and nothing rounded; scales that are added later are seen too. */
    public LinearInputs scaled() {
        InputRounding self = this;
        return new LinearInputs() {
            @Override
            public Tensor round(LinearSite site, Tensor input) {
                return self.divided(site, input);
            }

            @Override
            public boolean alike(LinearSite one, LinearSite other) {
                return Arrays.equals(scales.get(one.weight()), scales.get(other.weight()));
            }
        };
    }

    /** By the name of the weight. */
    public Map<String, InputFormat> formats() {
        return formats;
    }

    /** What calibration has found so far, by the name of the weight. */
    public Map<String, Range> ranges() {
        return ranges;
    }

    /** Says what calibration has found for a static format. */
    public void calibrate(String weight, Range range) {
        ranges.put(weight, range);
    }

    /** What inputs are divided by first, one number per channel, by the name of the weight. */
    public Map<String, float[]> scales() {
        return scales;
    }

    /** Says what the inputs of a linear are divided by before anything else. */
    public void divide(String weight, float[] channels) {
        scales.put(weight, channels);
    }

    @Override
    public Tensor round(LinearSite site, Tensor input) {
        InputFormat format = formats.get(site.weight());
        Tensor x = divided(site, input);
        return format == null ? x : format.round(x, ranges.get(site.weight()));
    }

    private Tensor divided(LinearSite site, Tensor input) {
        float[] scale = scales.get(site.weight());
        return scale == null
                ? input
                : input.div(Tensors.of(scale, scale.length).to(input.device(), input.scalar_type()));
    }

    @Override
    public boolean alike(LinearSite one, LinearSite other) {
        return Objects.equals(formats.get(one.weight()), formats.get(other.weight()))
                && Objects.equals(ranges.get(one.weight()), ranges.get(other.weight()))
                && Arrays.equals(scales.get(one.weight()), scales.get(other.weight()));
    }
}
