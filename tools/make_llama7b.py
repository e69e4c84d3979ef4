#!/usr/bin/env python3
"""Writes a checkpoint of Llama-2-7B's shapes with seeded random weights in bfloat16: 13.5 GB in three shards.

    make_llama7b.py DIR [--layers 32] [--seed 1]

For measurements of time and memory, not of quality. The tokenizer has one token per character: "<unk>", BOS, EOS, printable ASCII, and made-up
words for the rest of the 32,000. Needs numpy; memory stays below 1 GB. Delete DIR afterwards.
"""
import argparse
import json
import pathlib
import struct

import numpy

HIDDEN, INNER, VOCABULARY = 4096, 11008, 32000
SHARD = 5_000_000_000


def tensors(layers):
    """Name, shape and standard deviation (None: ones) of every tensor, in the model's order."""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN), 0.02
    for i in range(layers):
        prefix = f"model.layers.{i}."
        yield prefix + "input_layernorm.weight", (HIDDEN,), None
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", (HIDDEN, HIDDEN), 0.02
        yield prefix + "post_attention_layernorm.weight", (HIDDEN,), None
        for name in ("gate", "up"):
            yield f"{prefix}mlp.{name}_proj.weight", (INNER, HIDDEN), 0.02
        yield prefix + "mlp.down_proj.weight", (HIDDEN, INNER), 0.02
    yield "model.norm.weight", (HIDDEN,), None
    yield "lm_head.weight", (VOCABULARY, HIDDEN), 0.02


def bfloat16(values):
    """Float32 cut to its upper half, little-endian."""
    return (values.view(numpy.uint32) >> 16).astype("<u2").tobytes()


def write_tensor(out, shape, deviation, generator):
    rows = 1024 if len(shape) > 1 else shape[0]
    for at in range(0, shape[0], rows):
        part = (min(rows, shape[0] - at), *shape[1:])
        values = numpy.ones(part, numpy.float32) if deviation is None else generator.standard_normal(part, numpy.float32) * numpy.float32(deviation)
        out.write(bfloat16(values))


def write_shard(file, entries, generator):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in entries:
        size = 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, shape, deviation in entries:
            write_tensor(out, shape, deviation, generator)
    return offset


def write_tokenizer(directory):
    words = ["<unk>", "<s>", "</s>", *map(chr, range(32, 127))]
    words += [f"word{i}" for i in range(len(words), VOCABULARY)]
    special = [dict(id=i, content=words[i], single_word=False, lstrip=False, rstrip=False, normalized=False, special=True) for i in range(3)]
    split = dict(type="Split", pattern={"Regex": "."}, behavior="Isolated", invert=False)
    model = dict(type="WordLevel", unk_token="<unk>", vocab={word: i for i, word in enumerate(words)})
    document = dict(version="1.0", truncation=None, padding=None, added_tokens=special, normalizer=None, pre_tokenizer=split,
                    post_processor=None, decoder=None, model=model)
    (directory / "tokenizer.json").write_text(json.dumps(document))
    (directory / "tokenizer_config.json").write_text(json.dumps(dict(bos_token="<s>", eos_token="</s>", add_bos_token=True)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.directory.mkdir(parents=True)
    shards, size = [[]], 0
    for entry in tensors(args.layers):
        more = 2 * int(numpy.prod(entry[1]))
        if size + more > SHARD:
            shards.append([])
            size = 0
        shards[-1].append(entry)
        size += more
    generator = numpy.random.default_rng(args.seed)
    names, total = {}, 0
    for i, entries in enumerate(shards, 1):
        name = f"model-{i:05d}-of-{len(shards):05d}.safetensors"
        total += write_shard(args.directory / name, entries, generator)
        names |= {entry[0]: name for entry in entries}
    index = dict(metadata=dict(total_size=total), weight_map=names)
    (args.directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))
    config = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=HIDDEN, intermediate_size=INNER,
                  num_hidden_layers=args.layers, num_attention_heads=32, num_key_value_heads=32, vocab_size=VOCABULARY, hidden_act="silu",
                  rms_norm_eps=1e-5, rope_theta=10000.0, max_position_embeddings=4096, tie_word_embeddings=False, bos_token_id=1,
                  eos_token_id=2, torch_dtype="bfloat16")
    (args.directory / "config.json").write_text(json.dumps(config, indent=1))
    write_tokenizer(args.directory)
    print(f"{args.directory}: {total / 1e9:.2f} GB in {len(shards)} shards")


if __name__ == "__main__":
    main()
