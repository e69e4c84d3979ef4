package dev.halftone.checkpoint;

import static dev.halftone.checkpoint.PlainElements.Float8Kind.FINITE;
import static dev.halftone.checkpoint.PlainElements.Float8Kind.FINITE_UNSIGNED_ZERO;
import static dev.halftone.checkpoint.PlainElements.Float8Kind.IEEE;

import org.jspecify.annotations.Nullable;

/**
 * Element types of safetensors, in the order in which the reference library writes them. Source: huggingface/safetensors,
 * tensor.rs. C64 and the 4- and 6-bit floats are sized and mapped, not decoded.
 */
public enum SafetensorsDtype {
    U64(64, PlainElements::u64),
    I64(64, PlainElements::i64),
    F64(64, PlainElements::f64),
    C64(64, null),
    F32(32, PlainElements::f32),
    U32(32, PlainElements::u32),
    I32(32, PlainElements::i32),
    BF16(16, PlainElements::bf16),
    F16(16, PlainElements::f16),
    U16(16, PlainElements::u16),
    I16(16, PlainElements::i16),
    F8_E5M2FNUZ(8, PlainElements.lookup(PlainElements.float8(2, 16, FINITE_UNSIGNED_ZERO))),
    F8_E4M3FNUZ(8, PlainElements.lookup(PlainElements.float8(3, 8, FINITE_UNSIGNED_ZERO))),
    F8_E8M0(8, PlainElements.lookup(PlainElements.e8m0())),
    F8_E4M3(8, PlainElements.lookup(PlainElements.float8(3, 7, FINITE))),
    F8_E5M2(8, PlainElements.lookup(PlainElements.float8(2, 15, IEEE))),
    I8(8, PlainElements::i8),
    U8(8, PlainElements::u8),
    F6_E3M2(6, null),
    F6_E2M3(6, null),
    F4(4, null),
    BOOL(8, PlainElements::u8);

    private final int bits;

    @SuppressWarnings("ImmutableEnumChecker") // decoders are functions without state
    private final @Nullable BlockDecoder decoder;

    SafetensorsDtype(int bits, @Nullable BlockDecoder decoder) {
        this.bits = bits;
        this.decoder = decoder;
    }

    /** Bits of an element. */
    public int bits() {
        return bits;
    }

    @Nullable
    BlockDecoder decoder() {
        return decoder;
    }

    static @Nullable SafetensorsDtype of(String name) {
        for (SafetensorsDtype dtype : values()) {
            if (dtype.name().equals(name)) {
                return dtype;
            }
        }
        return null;
    }
}
