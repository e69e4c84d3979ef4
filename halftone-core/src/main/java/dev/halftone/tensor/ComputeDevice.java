package dev.halftone.tensor;

import dev.halftone.error.InputException;
import dev.halftone.error.ResourceException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Where a forward pass runs: libtorch's name of a device. Checkpoints, stored activations and solvers stay in host memory.
 *
 * @param kind "cpu", "cuda", or "meta", which has shapes and no memory
 * @param index of several devices of a kind; 0 on the CPU
 */
public record ComputeDevice(String kind, int index) {
    public static final ComputeDevice CPU = new ComputeDevice("cpu", 0);

    private static final Pattern NAME = Pattern.compile("(cpu|cuda)(?::(\\d{1,2}))?");

    /**
     * The device of that name, which this machine must have.
     *
     * @param name "cpu", "cuda" or "cuda:1"
     * @throws InputException HT-623 for another name
     * @throws ResourceException HT-504 for a device that libtorch does not find here
     */
    public static ComputeDevice named(String name) {
        Matcher matcher = NAME.matcher(name);
        if (!matcher.matches() || name.startsWith("cpu:")) {
            throw new InputException("HT-623", "--device", "\"" + name + "\"; known are cpu, cuda, cuda:N", "");
        }
        if (name.equals("cpu")) {
            return CPU;
        }
        int index = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
        Torch.load();
        int there = torch.cuda_is_available() ? torch.cuda_device_count() : 0;
        if (index >= there) {
            throw new ResourceException(
                    "HT-504",
                    "--device",
                    name + ": libtorch finds " + (there == 0 ? "no CUDA device" : there + " CUDA devices"),
                    there == 0
                            ? "use --device cpu, or put the pytorch-platform-gpu natives on the class path of a machine"
                                    + " with a GPU"
                            : "use cuda:0 to cuda:" + (there - 1));
        }
        // Equal inputs give equal bytes where CUDA has a way to (with CUBLAS_WORKSPACE_CONFIG, which the launcher
        // sets).
        torch.globalContext().setDeterministicAlgorithms(true, true);
        torch.globalContext().setDeterministicFillUninitializedMemory(false);
        return new ComputeDevice("cuda", index);
    }

    /** The tensor on this device; itself if it is there already. */
    public Tensor place(Tensor tensor) {
        return this.equals(CPU) ? tensor : tensor.to(device(), tensor.scalar_type());
    }

    private Device device() {
        return new Device(kind.equals("cuda") ? kind + ":" + index : kind);
    }

    @Override
    public String toString() {
        return kind.equals("cuda") ? kind + ":" + index : kind;
    }
}
