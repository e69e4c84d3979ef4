#!/usr/bin/env python3
"""Opens a directory that `halftone export` wrote with the engines' own readers and compares it with its dense twin.

    python tools/check_export.py DENSE EXPORT [EXPORT ...]

DENSE is `halftone export ... --format safetensors` of the same packed model. Each EXPORT is loaded by transformers
(compressed-tensors) or decoded by the reference unpacking rules of GPTQModel and AutoAWQ, in float32; printed are the largest
difference of any weight and of the logits of a fixed prompt, relative to the largest logit. compressed-tensors decodes NVFP4 to
bfloat16, whatever was asked for: there DENSE's weights are rounded to bfloat16 first. Exit code 1 if logits differ by more than
1e-3. Several pairs: DENSE EXPORT ... -- DENSE EXPORT ...
Needs torch, transformers, safetensors, and compressed-tensors for its directories.
"""
import json
import sys
from pathlib import Path

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


def compressed(directory):
    from transformers import CompressedTensorsConfig

    try:
        config = CompressedTensorsConfig(run_compressed=False)
    except TypeError:
        config = CompressedTensorsConfig(dequantize=True)
    model, info = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, quantization_config=config, output_loading_info=True
    )
    for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        rest = [key for key in info[kind] if key != "lm_head.weight"]
        if rest:
            raise SystemExit(f"{directory}: {kind}: {rest[:5]}")
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


def rounded(model, names):
    """The model with those weights in bfloat16's precision."""
    for name, parameter in model.named_parameters():
        if name in names:
            parameter.data = parameter.data.bfloat16().float()
    return model


def compare(dense, directories):
    failed = False
    for directory in directories:
        reference = AutoModelForCausalLM.from_pretrained(dense, dtype=torch.float32)
        section = json.loads((Path(directory) / "config.json").read_text())["quantization_config"]
        method = section["quant_method"]
        note = ""
        if "nvfp4" in section.get("format", ""):
            packed = {name[: -len("_packed")] for name in tensors(directory) if name.endswith(".weight_packed")}
            reference = rounded(reference, packed)
            note = " (of weights in bfloat16)"
        expected = logits(reference)
        weights = dict(reference.named_parameters())
        if method == "compressed-tensors":
            model = compressed(directory)
        else:
            model = decoded(directory, dense, section, {"gptq": gptq, "awq": awq}[method])
        apart = max(
            (tensor.float() - weights[name]).abs().max().item()
            for name, tensor in model.named_parameters()
            if name in weights and tensor.shape == weights[name].shape
        )
        difference = ((logits(model) - expected).abs().max() / expected.abs().max()).item()
        failed |= difference > 1e-3
        print(f"{directory}: {method} {section.get('format', '')}: weights {apart:.2e}, logits {difference:.2e}{note}")
    return failed


def main():
    failed = False
    group = []
    for argument in sys.argv[1:] + ["--"]:
        if argument != "--":
            group.append(argument)
        elif group:
            failed |= compare(group[0], group[1:])
            group = []
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
