package dev.halftone.report;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** PNG images of 8-bit palette colors. Source: ISO/IEC 15948 (PNG), sections 5, 7 and 11. */
final class Png {
    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    private static final byte BITS = 8;
    private static final byte INDEXED = 3;

    private Png() {}

    /**
     * Encodes an image.
     *
     * @param pixels rows of palette indices
     * @param palette red, green and blue of each color
     */
    static byte[] of(byte[][] pixels, byte[] palette) {
        int width = pixels[0].length;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(SIGNATURE);
        // Compression, filter and interlace methods are 0.
        chunk(
                out,
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(width)
                        .putInt(pixels.length)
                        .put(BITS)
                        .put(INDEXED)
                        .array());
        chunk(out, "PLTE", palette);
        ByteBuffer rows = ByteBuffer.allocate(pixels.length * (1 + width));
        for (byte[] row : pixels) {
            rows.put((byte) 0).put(row); // filter type 0: none
        }
        chunk(out, "IDAT", deflated(rows.array()));
        chunk(out, "IEND", new byte[0]);
        return out.toByteArray();
    }

    private static void chunk(ByteArrayOutputStream out, String type, byte[] data) {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data);
        out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
        out.writeBytes(name);
        out.writeBytes(data);
        out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    private static byte[] deflated(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        try (Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION)) {
            deflater.setInput(bytes);
            deflater.finish();
            while (!deflater.finished()) {
                out.write(buffer, 0, deflater.deflate(buffer));
            }
        }
        return out.toByteArray();
    }
}
