package dev.halftone.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the processor computes in its own instructions. */
public final class Processor {
    private static final Path LINUX = Path.of("/proc/cpuinfo");
    private static final boolean BFLOAT16 = bfloat16();

    private Processor() {}

    /** True if products of bfloat16 matrices run several times as fast as float32 ones; false where nothing says so. */
    public static boolean multipliesBfloat16() {
        return BFLOAT16;
    }

    private static boolean bfloat16() {
        try {
            return Files.exists(LINUX) && Files.readString(LINUX).contains(" amx_bf16");
        } catch (IOException _) {
            return false;
        }
    }
}
