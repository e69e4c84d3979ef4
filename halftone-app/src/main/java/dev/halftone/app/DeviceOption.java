package dev.halftone.app;

import dev.halftone.tensor.ComputeDevice;
import picocli.CommandLine.Option;

/** Option of the commands that compute on libtorch's devices. */
final class DeviceOption {
    @Option(
            names = "--device",
            paramLabel = "cpu|cuda[:N]",
            description = "where the model runs (default: ${DEFAULT-VALUE})")
    private String device = "cpu";

    /** Fails for a device that is not there. */
    ComputeDevice chosen() {
        return ComputeDevice.named(device);
    }
}
