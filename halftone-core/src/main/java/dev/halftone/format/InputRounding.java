package dev.halftone.format;

import dev.halftone.format.InputFormat.Range;
import dev.halftone.model.LinearInputs;
import dev.halftone.model.LinearSite;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.pytorch.Tensor;

/** Which linears' inputs are quantized, and how. Ranges may be added while a model is being calibrated. */
public final class InputRounding implements LinearInputs {
    private final Map<String, InputFormat> formats;
    private final Map<String, Range> ranges = new ConcurrentHashMap<>();

    /** @param formats by the name of the weight; inputs of others stay as they are */
    public InputRounding(Map<String, InputFormat> formats) {
        this.formats = Map.copyOf(formats);
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

    @Override
    public Tensor round(LinearSite site, Tensor input) {
        InputFormat format = formats.get(site.weight());
        return format == null ? input : format.round(input, ranges.get(site.weight()));
    }

    @Override
    public boolean alike(LinearSite one, LinearSite other) {
        return Objects.equals(formats.get(one.weight()), formats.get(other.weight()))
                && Objects.equals(ranges.get(one.weight()), ranges.get(other.weight()));
    }
}
