#!/usr/bin/env python3
"""Opens a directory that `halftone export` wrote with the engines' own readers and compares it with its dense twin or with Halftone.

    python tools/check_export.py DENSE EXPORT [EXPORT ...] [-- DENSE EXPORT ...]
    python tools/check_export.py --halftone ./halftone --text TEXT EXPORT [EXPORT ...]

Each EXPORT is loaded by transformers (compressed-tensors) or decoded by the reference unpacking rules of GPTQModel and AutoAWQ, in
float32. DENSE is `halftone export ... --format safetensors` of the same packed model: printed are the largest difference of any
weight and of the logits of a fixed prompt, relative to the largest logit. In the second form the model's log-probabilities on two
windows of 128 tokens of TEXT are compared with those of `halftone eval EXPORT --save-logits`, relative to the largest; that includes
quantized inputs. There compressed-tensors divides the range of symmetric 8-bit integers by 127.5, where vLLM and Halftone
take 127: it is taught 127, and what it gives without is printed beside. Rounded inputs make much of little: a number next to the middle
of two codes becomes one or the other by its last bit. So the same model is run once more with the embedding changed by 1e-6 of it
(as sums in another order do), and how far that moves the result is printed; a difference may be twice as large. GPTQ and AWQ files are compared with
Halftone's reading of the export itself. Exit code 1 if logits differ by more than 1e-3, and by more than twice what these last bits do.
Needs torch, transformers, safetensors, and compressed-tensors for its directories.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

PROMPT = [(37 * i + 11) % 900 + 1 for i in range(48)]


def tensors(directory):
    state = {}
    for file in sorted(Path(directory).glob("*.safetensors")):
        state.update(load_file(file))
    return state


def logits(model):
    ids = [token % model.config.vocab_size for token in PROMPT]
    with torch.no_grad():
        return model(torch.tensor([ids])).logits.float()


def compressed(directory, section):
    """The model with decoded weights; where inputs are quantized, with the library's forward pass."""
    from transformers import CompressedTensorsConfig

    options = {}
    quantized = any(group.get("input_activations") for group in section["config_groups"].values())
    if not quantized:
        try:
            options["quantization_config"] = CompressedTensorsConfig(run_compressed=False)
        except TypeError:
            options["quantization_config"] = CompressedTensorsConfig(dequantize=True)
    model, info = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, output_loading_info=True, **options)
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        rest = [key for key in info[kind] if key != "lm_head.weight"]
        if rest:
            raise SystemExit(f"{directory}: {kind}: {rest[:5]}")
    if quantized:  # else at the first pass, four bits to bfloat16 and into products with float32
        model.hf_quantizer.compressor.decompress_model(model)
        for parameter in model.parameters():
            parameter.data = parameter.data.float()
    return model


def fields(words, bits, count):
    """Bit stream of each row of int32 words: (rows, words) to (rows, count)."""
    bytes_ = words.contiguous().view(torch.uint8).to(torch.int64)
    positions = torch.arange(count) * bits
    padded = torch.cat([bytes_, torch.zeros(bytes_.shape[0], 2, dtype=torch.int64)], 1)
    pair = padded[:, positions // 8] | padded[:, positions // 8 + 1] << 8
    return pair >> (positions % 8) & ((1 << bits) - 1)


def gptq(state, module, section):
    bits = section["bits"]
    first = section.get("checkpoint_format", "gptq") == "gptq"
    scales = state[module + ".scales"].float()
    codes = fields(state[module + ".qweight"].t(), bits, len(state[module + ".g_idx"]))
    zeros = fields(state[module + ".qzeros"], bits, scales.shape[1]) + (1 if first else 0)
    groups = state[module + ".g_idx"].long()
    return (scales[groups] * (codes.t() - zeros[groups])).t()


def awq(state, module, section):
    order = [0, 4, 1, 5, 2, 6, 3, 7]
    shifts = torch.tensor(order) * 4

    def spread(words):
        return (words.to(torch.int64).unsqueeze(-1) >> shifts & 15).reshape(words.shape[0], -1)

    codes = spread(state[module + ".qweight"])
    zeros = spread(state[module + ".qzeros"])
    size = codes.shape[0] // zeros.shape[0]
    scales = state[module + ".scales"].float()
    return ((codes - zeros.repeat_interleave(size, 0)) * scales.repeat_interleave(size, 0)).t()


def decoded(directory, dense, section, rule):
    """The dense model with the weights that the engine's rule gives."""
    state = tensors(directory)
    model = AutoModelForCausalLM.from_pretrained(dense, dtype=torch.float32)
    parameters = dict(model.named_parameters())
    for name in [name for name in state if name.endswith(".qweight")]:
        module = name[: -len(".qweight")]
        parameters[module + ".weight"].data = rule(state, module, section).contiguous()
    return model


def opened(directory, dense):
    """The model as the engine reads it; DENSE has what is no packed linear."""
    section = json.loads((Path(directory) / "config.json").read_text())["quantization_config"]
    method = section["quant_method"]
    if method == "compressed-tensors":
        return section, compressed(directory, section)
    return section, decoded(directory, dense, section, {"gptq": gptq, "awq": awq}[method])


def compare(dense, directories):
    failed = False
    for directory in directories:
        reference = AutoModelForCausalLM.from_pretrained(dense, dtype=torch.float32)
        expected = logits(reference)
        weights = dict(reference.named_parameters())
        section, model = opened(directory, dense)
        apart = max(
            (tensor.float() - weights[name]).abs().max().item()
            for name, tensor in model.named_parameters()
            if name in weights and tensor.shape == weights[name].shape
        )
        difference = ((logits(model) - expected).abs().max() / expected.abs().max()).item()
        failed |= difference > 1e-3
        print(f"{directory}: {section['quant_method']} {section.get('format', '')}: weights {apart:.2e}, logits {difference:.2e}")
    return failed


def saved(halftone, directory, text):
    """Halftone's windows (n, length) and log-probabilities (n, length - 1, vocabulary): llama.cpp's file, see docs/evaluation.md."""
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "logits"
        command = [halftone, "eval", directory, "--text", text, "--length", "128", "--chunks", "2", "--save-logits", file]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        data = file.read_bytes()
    length, vocabulary, count = np.frombuffer(data, np.int32, 3, 8)
    tokens = np.frombuffer(data, np.int32, count * length, 20).reshape(count, length)
    rows = np.frombuffer(data, np.uint8, -1, 20 + tokens.nbytes).reshape(count * (length - 1), -1)
    scale = rows[:, :8].copy().view(np.float32)
    codes = rows[:, 8 : 8 + 2 * vocabulary].copy().view(np.uint16)
    values = scale[:, :1] * codes + scale[:, 1:]
    return torch.from_numpy(tokens.astype(np.int64)), torch.from_numpy(values).view(count, length - 1, vocabulary)


def vllm_range():
    """Lets compressed-tensors divide the range of symmetric 8-bit integers by 127, as vLLM does."""
    from compressed_tensors.quantization.utils import helpers

    plain = helpers.calculate_qparams

    def parameters(low, high, arguments, global_scale=None):
        scales, zeros = plain(low, high, arguments, global_scale=global_scale)
        integers = arguments.symmetric and arguments.num_bits == 8 and arguments.type == "int"
        return (scales * 127.5 / 127 if integers else scales), zeros

    helpers.calculate_qparams = parameters
    return lambda: setattr(helpers, "calculate_qparams", plain)


def evaluated(halftone, text, directories):
    failed = False
    for directory in directories:
        tokens, expected = saved(halftone, directory, text)
        reachable = expected > expected.amin(-1, keepdim=True)  # the least code stands for everything below the range
        with tempfile.TemporaryDirectory() as dense:
            if not compressed_tensors(directory):
                export = [halftone, "export", directory, "--format", "safetensors", "--out", Path(dense) / "dense"]
                subprocess.run([str(part) for part in export], check=True, stdout=subprocess.DEVNULL)
            section, model = opened(directory, Path(dense) / "dense")

        def found():
            with torch.no_grad():
                return torch.log_softmax(model(tokens).logits.float(), -1)[:, :-1]

        def difference(one, other):
            return ((one - other).abs()[reachable].max() / expected.abs().max()).item()

        own = difference(found(), expected)
        allowed = 1e-3
        apart = own
        note = ""
        if any(group.get("input_activations") for group in section.get("config_groups", {}).values()):
            restore = vllm_range()
            result = found()
            apart = difference(result, expected)
            embedding = model.get_input_embeddings().weight
            torch.manual_seed(1)
            embedding.data *= 1 + 1e-6 * torch.randn_like(embedding)
            last_bits = difference(found(), result)
            restore()
            allowed = max(allowed, 2 * last_bits)
            note = f" (last bits of the embedding: {last_bits:.2e}; with compressed-tensors' own range {own:.2e})"
        failed |= apart > allowed
        print(f"{directory}: {section['quant_method']} {section.get('format', '')}: log-probabilities {apart:.2e}{note}", flush=True)
    return failed


def compressed_tensors(directory):
    return json.loads((Path(directory) / "config.json").read_text())["quantization_config"]["quant_method"] == "compressed-tensors"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--halftone")
    parser.add_argument("--text")
    parser.add_argument("directories", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    if args.text:
        sys.exit(1 if evaluated(args.halftone or "./halftone", args.text, args.directories) else 0)
    failed = False
    group = []
    for argument in args.directories + ["--"]:
        if argument != "--":
            group.append(argument)
        elif group:
            failed |= compare(group[0], group[1:])
            group = []
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
