package dev.halftone.kernel.packed;

import static dev.halftone.kernel.packed.CodeWidth.BLOCK;
import static dev.halftone.kernel.packed.CodeWidth.TILE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The plain twin. It cuts every code out of its word and multiplies with the rounded activations themselves. */
final class ScalarTiles implements TileKernels {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void round(float[] x, int at, IntegerRows rows, int token) {
        for (int b = 0; b < rows.blocks(); b++) {
            roundBlock(x, at, rows, token, b);
        }
    }

    static void roundBlock(float[] x, int at, IntegerRows rows, int token, int block) {
        int from = at + block * BLOCK;
        int columns = Math.min(BLOCK, rows.columns() - block * BLOCK);
        float largest = 0;
        for (int i = 0; i < columns; i++) {
            largest = Math.max(largest, Math.abs(x[from + i]));
        }
        float scale = largest / IntegerRows.LARGEST;
        int index = block * rows.tokens() + token;
        rows.scales()[index] = scale;
        rows.sums()[2 * index] = 0;
        rows.sums()[2 * index + 1] = 0;
        for (int i = 0; i < BLOCK; i += 2) {
            int even = i < columns ? code(x[from + i], scale) : 0;
            int odd = i + 1 < columns ? code(x[from + i + 1], scale) : 0;
            rows.pairs()[index * CodeWidth.PAIRS + i / 2] = CodeWidth.pair(even, odd);
            rows.sums()[2 * index + 2 * i / BLOCK] += even + odd;
        }
    }

    @Override
    public void terms(CodeWidth width, int[] pairs, int from, int[] terms, int at) {
        width.terms(pairs, from, terms, at);
    }

    /** A scale that is subnormal may be too small by much: hence the bounds. */
    private static short code(float x, float scale) {
        if (scale == 0) {
            return 0;
        }
        float code = (float) Math.rint(x / scale);
        return (short) Math.max(-IntegerRows.LARGEST, Math.min(IntegerRows.LARGEST, code));
    }

    @Override
    public void dot(
            CodeWidth width,
            int parts,
            int zero,
            MemorySegment codes,
            long at,
            IntegerRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums) {
        int[] words = new int[width.words()];
        int[] code = new int[BLOCK];
        for (int b = 0; b < blocks; b++) {
            for (int r = 0; r < TILE; r++) {
                for (int word = 0; word < words.length; word++) {
                    words[word] = codes.get(
                            INT, at + (long) b * width.blockBytes() + (long) Integer.BYTES * (word * TILE + r));
                }
                width.unpack(words, code);
                for (int t = 0; t < x.tokens(); t++) {
                    for (int part = 0; part < parts; part++) {
                        int sum = dot(code, x, t, from + b, part * BLOCK / parts, BLOCK / parts, zero + width.center());
                        float scale = scales[(b * parts + part) * TILE + r] * x.scales()[(from + b) * x.tokens() + t];
                        sums[t * TILE + r] = Math.fma((float) sum, scale, sums[t * TILE + r]);
                    }
                }
            }
        }
    }

    private static int dot(int[] code, IntegerRows x, int token, int block, int from, int length, int zero) {
        int sum = 0;
        for (int i = from; i < from + length; i++) {
            sum += (code[i] - zero) * x.code(token, block, i);
        }
        return sum;
    }

    @Override
    public void addMinima(int parts, float[] minima, IntegerRows x, int from, int blocks, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int i = 0; i < blocks * parts; i++) {
                float sum = x.sum(t, from + i / parts, parts, i % parts);
                for (int r = 0; r < TILE; r++) {
                    sums[t * TILE + r] = Math.fma(minima[i * TILE + r], sum, sums[t * TILE + r]);
                }
            }
        }
    }

    @Override
    public void widenHalves(MemorySegment halves, long at, int repeat, float factor, int from, int count, float[] out) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < TILE; r++) {
                short half = halves.get(SHORT, at + Short.BYTES * ((long) (from + i) / repeat * TILE + r));
                out[i * TILE + r] = Float.float16ToFloat(half) * factor;
            }
        }
    }

    @Override
    public void widenFloats(MemorySegment floats, long at, int repeat, int from, int count, float[] out) {
        for (int i = 0; i < count; i++) {
            for (int r = 0; r < TILE; r++) {
                out[i * TILE + r] = floats.get(FLOAT, at + Float.BYTES * ((long) (from + i) / repeat * TILE + r));
            }
        }
    }

    @Override
    public void scaleByBytes(MemorySegment bytes, long at, int count, float[] out) {
        for (int i = 0; i < count; i++) {
            out[i] *= bytes.get(ValueLayout.JAVA_BYTE, at + i);
        }
    }

    @Override
    public void dotFloats(MemorySegment weights, long at, FloatRows x, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int r = 0; r < TILE; r++) {
                float even = 0;
                float odd = 0;
                for (int c = 0; c < x.columns(); c++) {
                    float w = weights.get(FLOAT, at + Float.BYTES * ((long) c * TILE + r));
                    float value = x.x()[t * x.columns() + c];
                    if (c % 2 == 0) {
                        even = Math.fma(w, value, even);
                    } else {
                        odd = Math.fma(w, value, odd);
                    }
                }
                sums[t * TILE + r] = even + odd;
            }
        }
    }

    @Override
    public void dotBfloats(MemorySegment weights, long at, FloatRows x, float[] sums) {
        for (int t = 0; t < x.tokens(); t++) {
            for (int r = 0; r < TILE; r++) {
                float even = 0;
                float odd = 0;
                for (int c = 0; c < x.columns(); c += 2) {
                    int pair = weights.get(INT, at + Integer.BYTES * ((long) c / 2 * TILE + r));
                    int i = t * x.columns() + c;
                    even = Math.fma(Float.intBitsToFloat(pair << Short.SIZE), x.x()[i], even);
                    if (c + 1 < x.columns()) {
                        odd = Math.fma(Float.intBitsToFloat(pair & 0xFFFF_0000), x.x()[i + 1], odd);
                    }
                }
                sums[t * TILE + r] = even + odd;
            }
        }
    }

    @Override
    public void dotLevels(
            float[] levels,
            MemorySegment codes,
            long at,
            FloatRows x,
            int from,
            int blocks,
            float[] scales,
            float[] sums) {
        int[] words = new int[CodeWidth.FOUR.words()];
        int[] code = new int[BLOCK];
        for (int b = 0; b < blocks; b++) {
            for (int r = 0; r < TILE; r++) {
                for (int word = 0; word < words.length; word++) {
                    words[word] = codes.get(
                            INT,
                            at + (long) b * CodeWidth.FOUR.blockBytes() + (long) Integer.BYTES * (word * TILE + r));
                }
                CodeWidth.FOUR.unpack(words, code);
                int columns = Math.min(BLOCK, x.columns() - (from + b) * BLOCK);
                for (int t = 0; t < x.tokens(); t++) {
                    int i = t * x.columns() + (from + b) * BLOCK;
                    float even = 0;
                    float odd = 0;
                    for (int c = 0; c < columns; c += 2) {
                        even = Math.fma(levels[code[c]], x.x()[i + c], even);
                        odd = c + 1 < columns ? Math.fma(levels[code[c + 1]], x.x()[i + c + 1], odd) : odd;
                    }
                    sums[t * TILE + r] = Math.fma(even + odd, scales[b * TILE + r], sums[t * TILE + r]);
                }
            }
        }
    }
}
