#!/usr/bin/env python3
"""Writes a GGUF file of a llama's shapes with seeded random blocks, for measurements of speed and memory, not of quality.

    make_random_gguf.py FILE --type Q4_0|Q8_0|Q4_K_M|F16 [--layers 16 --hidden 2048 --intermediate 8192 --heads 32 --kv-heads 8
                        --vocabulary 128256 --seed 1]

The defaults are those of a llama of 1.24 billion parameters whose head is its embedding. Codes are random bits; scales are chosen so that
weights have a standard deviation of about 0.02. The vocabulary is made up. Needs numpy and the gguf package, and as much memory as the file has
bytes.
"""
import argparse

import gguf
import numpy

DEVIATION = 0.02


def half(value, blocks):
    return numpy.full((blocks, 1), value, "<f2").view(numpy.uint8)


def codes(random, blocks, size):
    return random.integers(0, 256, (blocks, size), dtype=numpy.uint8)


def blocks_of(kind, count, random):
    """`count` weights as the bytes of their blocks."""
    if kind == "F16":
        return (random.standard_normal(count, numpy.float32) * DEVIATION).astype("<f2").view(numpy.uint8)
    if kind == "Q4_0":
        n = count // 32
        return numpy.concatenate([half(DEVIATION / 4.6, n), codes(random, n, 16)], axis=1)
    if kind == "Q8_0":
        n = count // 32
        return numpy.concatenate([half(DEVIATION / 74, n), codes(random, n, 32)], axis=1)
    n = count // 256
    if kind == "Q4_K":
        # The six-bit scales and minima are random too: around 32, a minimum 7.5 times its scale centres the codes.
        return numpy.concatenate([half(DEVIATION / 150, n), half(DEVIATION / 20, n), codes(random, n, 12), codes(random, n, 128)], axis=1)
    if kind == "Q6_K":
        scales = random.integers(-64, 65, (n, 16), dtype=numpy.int8).view(numpy.uint8)
        return numpy.concatenate([codes(random, n, 192), scales, half(DEVIATION / 680, n)], axis=1)
    raise SystemExit(f"type {kind} is not known")


def kind_of(mixture, name, layer, layers):
    """Q4_K_M as llama-quantize makes it of a llama: Q6_K for the embedding, and for v and down of some layers."""
    if mixture != "Q4_K_M":
        return mixture
    more = layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
    return "Q6_K" if name == "token_embd" or (name in ("attn_v", "ffn_down") and more) else "Q4_K"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--type", required=True, choices=["Q4_0", "Q8_0", "Q4_K_M", "F16"])
    for name, value in dict(layers=16, hidden=2048, intermediate=8192, heads=32, kv_heads=8, vocabulary=128256, seed=1).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    args = parser.parse_args()
    head = args.hidden // args.heads
    kv = args.kv_heads * head
    random = numpy.random.default_rng(args.seed)
    writer = gguf.GGUFWriter(args.file, "llama", use_temp_file=False)
    writer.add_context_length(131072)
    writer.add_embedding_length(args.hidden)
    writer.add_block_count(args.layers)
    writer.add_feed_forward_length(args.intermediate)
    writer.add_head_count(args.heads)
    writer.add_head_count_kv(args.kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(args.vocabulary)
    tokens = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tokens += [f"word{i}" for i in range(len(tokens), args.vocabulary)]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * (len(tokens) - 259))

    def matrix(name, rows, columns, layer=0):
        kind = kind_of(args.type, name.split(".")[-1], layer, args.layers)
        data = blocks_of(kind, rows * columns, random).reshape(rows, -1)
        writer.add_tensor(name + ".weight", data, raw_dtype=gguf.GGMLQuantizationType[kind])

    def ones(name):
        writer.add_tensor(name + ".weight", numpy.ones(args.hidden, numpy.float32))

    matrix("token_embd", args.vocabulary, args.hidden)
    for i in range(args.layers):
        block = f"blk.{i}."
        ones(block + "attn_norm")
        matrix(block + "attn_q", args.hidden, args.hidden, i)
        matrix(block + "attn_k", kv, args.hidden, i)
        matrix(block + "attn_v", kv, args.hidden, i)
        matrix(block + "attn_output", args.hidden, args.hidden, i)
        ones(block + "ffn_norm")
        matrix(block + "ffn_gate", args.intermediate, args.hidden, i)
        matrix(block + "ffn_up", args.intermediate, args.hidden, i)
        matrix(block + "ffn_down", args.hidden, args.intermediate, i)
    ones("output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
