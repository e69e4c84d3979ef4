package dev.halftone.app;

import dev.halftone.tensor.Compute;
import dev.halftone.tensor.ComputeDevice;
import dev.halftone.tensor.ComputeType;
import java.util.Map;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of the commands that run a model forward. */
final class ComputeOptions {
    @Option(
            names = "--dtype",
            paramLabel = "float32|bf16",
            description =
                    "type to compute in (default: ${DEFAULT-VALUE}); bf16 is faster where the processor has it, and less exact")
    private String dtype = "float32";

    @Mixin
    private DeviceOption device = new DeviceOption();

    /** Fails for a type that is not known, and for a device that is not there. */
    Compute chosen() {
        ComputeDevice place = device.chosen();
        ComputeType type = ComputeType.named(dtype);
        return new Compute(type, type, place);
    }

    /** For the provenance of a result, which does depend on these. */
    static void describe(Compute compute, Map<String, String> settings) {
        settings.put("dtype", compute.type().label());
        if (!compute.device().equals(ComputeDevice.CPU)) {
            settings.put("device", compute.device().toString());
        }
    }
}
