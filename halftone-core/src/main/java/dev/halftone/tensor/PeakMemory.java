package dev.halftone.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The most physical memory this process has held, native memory and mapped pages included. */
public final class PeakMemory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private PeakMemory() {}

    /** Bytes, or 0 where the operating system does not tell. */
    public static long bytes() {
        if (!Files.isReadable(STATUS)) {
            return 0;
        }
        try {
            for (String line : Files.readAllLines(STATUS)) {
                if (line.startsWith("VmHWM:")) {
                    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
                }
            }
            return 0;
        } catch (IOException e) {
            return 0;
        }
    }
}
