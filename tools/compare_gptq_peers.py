#!/usr/bin/env python3
"""Compares Halftone's GPTQ with GPTQModel, llm-compressor and AutoRound: same machine, model, calibration tokens and evaluator.

Each peer runs in its own Python interpreter (their dependencies conflict), on the CPU alone, one after the other:
    compare_gptq_peers.py --model MODEL.gguf --calibration CAL.txt --test TEST.txt --work DIR --halftone ./halftone \\
        --bits 3 --group 64 --threads 2 --recipe gptq-w3g64-minmax \\
        --gptqmodel-python venv-a/bin/python --llmcompressor-python venv-b/bin/python

A peer's interpreter needs `gptqmodel`, `llmcompressor` or `auto_round`, and `gguf`; this script itself needs the standard library only.

- The peers quantize the linear layers of the GGUF model decoded to float32 by transformers, asymmetrically, on the first --samples windows of
  the calibration text (tokenised once as a whole, no BOS, no overlap). GPTQModel: act-order, else defaults. llm-compressor: defaults.
  AutoRound: --iterations, batches of 8, else defaults (bfloat16 where it trains).
- A peer's seconds run from the start of its quantize call to the end of saving. Halftone's are the wall clock of its whole command.
- DIR/PEER-dequantized is dequantized in float32 from the file that the peer saved, so that `halftone eval` judges all alike.
- Results: DIR/comparison.md (also printed) and DIR/comparison.json; the peers' output: DIR/PEER.log.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

PEERS = {"gptqmodel": "GPTQModel", "llmcompressor": "llm-compressor", "auto_round": "AutoRound"}
# Pre-tokenizers that split off every digit first; transformers drops that step when it converts the tokenizer of a GGUF file.
DIGIT_SPLITTING = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, text in dict(model="GGUF file, taken as full precision", calibration="calibration text", test="test text",
                           work="directory for copies, outputs and results").items():
        parser.add_argument(f"--{name}", required=True, type=pathlib.Path, help=text)
    parser.add_argument("--halftone", default="./halftone", help="the halftone command")
    parser.add_argument("--recipe", nargs="+", default=["gptq-w3g64-minmax"], help="Halftone recipes; times are relative to the first")
    parser.add_argument("--dtype", nargs="+", default=["float32"], help="types in which Halftone's calibration passes compute")
    parser.add_argument("--bits", type=int, default=3, choices=(2, 3, 4, 8), help="bits of the peers' weights")
    parser.add_argument("--group", type=int, default=64, help="inputs that share a scale in the peers' weights")
    parser.add_argument("--samples", type=int, default=128, help="calibration windows")
    parser.add_argument("--length", type=int, default=512, help="tokens in a window, of calibration and test")
    parser.add_argument("--chunks", type=int, default=40, help="test windows")
    parser.add_argument("--threads", type=int, default=2)
    for peer, title in PEERS.items():
        parser.add_argument(f"--{peer.replace('_', '-')}-python", help=f"interpreter that has {title}; left out: not compared")
    parser.add_argument("--iterations", type=int, default=40, help="of AutoRound, for each block")
    parser.add_argument("--reuse", action="store_true", help="do not run a peer again that ran in DIR with the same settings")
    parser.add_argument("--skip-halftone", action="store_true", help="only run the peers; nothing is evaluated")
    parser.add_argument("--peer", choices=("copy", *PEERS), help=argparse.SUPPRESS)  # the part of a peer's interpreter
    return parser.parse_args()


def float32_copy(args):
    return args.work / f"{args.model.stem}-float32"


def settings(args):
    return {name: getattr(args, name) for name in ("bits", "group", "samples", "length", "threads", "iterations")} | {
        name: getattr(args, name).name for name in ("model", "calibration")}


def copy_to_float32(args):
    """Writes the GGUF model and its tokenizer as a plain float32 checkpoint."""
    import torch
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = dict(pretrained_model_name_or_path=str(args.model.resolve().parent), gguf_file=args.model.name)
    decoded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    if hasattr(decoded.config, "quantization_config"):  # with it, transformers 5 refuses to save the model
        del decoded.config.quantization_config
    model = AutoModelForCausalLM.from_config(decoded.config, dtype=torch.float32)
    model.load_state_dict(decoded.state_dict())
    tokenizer = AutoTokenizer.from_pretrained(**source)
    pre = GGUFReader(args.model).get_field("tokenizer.ggml.pre")
    if pre is not None and pre.contents() in DIGIT_SPLITTING:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    for part in (model, tokenizer):
        part.save_pretrained(args.work / "unfinished")
    (args.work / "unfinished").rename(float32_copy(args))


def calibration_windows(args):
    """The first windows of the calibration text, as lists of token ids."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(float32_copy(args) / "tokenizer.json"))
    ids = tokenizer.encode(args.calibration.read_bytes().decode("utf-8"), add_special_tokens=False).ids
    if len(ids) < args.samples * args.length:
        sys.exit(f"{args.calibration} has {len(ids)} tokens, fewer than {args.samples} windows of {args.length}")
    return [ids[i * args.length:(i + 1) * args.length] for i in range(args.samples)]


def run_gptqmodel(args, windows, saved):
    import torch
    from gptqmodel import GPTQModel, QuantizeConfig

    # The format gptq_v2 stores the zero points as they are, where the older one stores them less one.
    config = QuantizeConfig(bits=args.bits, group_size=args.group, sym=False, desc_act=True, act_group_aware=False,
                            format="gptq_v2", device="cpu")
    model = GPTQModel.load(str(float32_copy(args)), config, dtype=torch.float32)
    data = [dict(input_ids=window, attention_mask=[1] * len(window)) for window in windows]
    start = time.perf_counter()
    model.quantize(data, batch_size=1)
    model.save(str(saved))
    return time.perf_counter() - start


def run_llmcompressor(args, windows, saved):
    import torch
    from datasets import Dataset
    from llmcompressor import oneshot
    from llmcompressor.modifiers.gptq import GPTQModifier
    from transformers import AutoModelForCausalLM, AutoTokenizer

    weights = dict(num_bits=args.bits, type="int", symmetric=False, strategy="group", group_size=args.group)
    recipe = GPTQModifier(config_groups={"group_0": dict(targets=["Linear"], weights=weights)}, ignore=["lm_head"])
    model = AutoModelForCausalLM.from_pretrained(float32_copy(args), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(float32_copy(args))
    data = Dataset.from_list([dict(input_ids=window, attention_mask=[1] * len(window)) for window in windows])
    start = time.perf_counter()
    oneshot(model=model, tokenizer=tokenizer, dataset=data, recipe=recipe, num_calibration_samples=len(windows),
            max_seq_length=args.length, shuffle_calibration_samples=False, output_dir=str(saved))
    return time.perf_counter() - start


def run_auto_round(args, windows, saved):
    import torch
    from auto_round import AutoRound
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(float32_copy(args), dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(float32_copy(args))
    data = [torch.tensor([window]) for window in windows]
    start = time.perf_counter()
    AutoRound(model, tokenizer, bits=args.bits, group_size=args.group, sym=False, iters=args.iterations, dataset=data,
              nsamples=len(data), seqlen=args.length, batch_size=8, device_map="cpu").quantize_and_save(str(saved), format="auto_gptq")
    return time.perf_counter() - start


def unpack(words, bits, axis, count):
    """Unsigned values of `bits` bits, packed without gaps from the lowest bit of little-endian 32-bit words up, along an axis."""
    import numpy

    words = numpy.ascontiguousarray(numpy.moveaxis(words.numpy(), axis, -1), dtype="<i4")
    if words.shape[-1] != -(-count * bits // 32):
        sys.exit(f"{count} values of {bits} bits in {words.shape[-1]} words: not the dense packing that this script reads")
    ones = numpy.unpackbits(words.view("u1"), axis=-1, bitorder="little", count=count * bits)
    return numpy.moveaxis(ones.reshape(*words.shape[:-1], count, bits) @ (1 << numpy.arange(bits, dtype="i4")), -1, axis)


def dequantize(args, saved, out):
    """Writes the float32 checkpoint of the file that the peer saved; returns the number of its quantized tensors."""
    import numpy
    import torch
    from safetensors.torch import load_file, save_file

    tensors, packed = ({name: tensor for file in directory.rglob("*.safetensors") for name, tensor in load_file(file).items()}
                       for directory in (float32_copy(args), saved))
    names = [name for name, tensor in tensors.items() if tensor.dim() == 2 and "embed" not in name and "lm_head" not in name]
    for name in names:
        (rows, columns), stem = tensors[name].shape, name.removesuffix(".weight")
        if args.peer != "llmcompressor":
            q = unpack(packed[stem + ".qweight"], args.bits, 0, columns).T
            zero = unpack(packed[stem + ".qzeros"], args.bits, 1, rows).T
            if args.peer == "auto_round":
                zero = zero + 1 & (1 << args.bits) - 1  # the older format stores zero points less one
            scale, group = packed[stem + ".scales"].T, numpy.arange(columns) // args.group
            if stem + ".g_idx" in packed:
                group = packed[stem + ".g_idx"].long().numpy()
        else:
            q = unpack(packed[stem + ".weight_packed"], args.bits, 1, columns)
            zero = unpack(packed[stem + ".weight_zero_point"], args.bits, 0, rows)
            scale, group = packed[stem + ".weight_scale"], numpy.arange(columns) // args.group
        weight = (q - zero[:, group]).astype("f4") * scale.float().numpy()[:, group]
        tensors[name] = torch.from_numpy(numpy.ascontiguousarray(weight))
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(float32_copy(args), out, ignore=shutil.ignore_patterns("*.safetensors*"))
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    return len(names)


def run_peer(args):
    import torch

    torch.set_num_threads(args.threads)
    if args.peer == "copy":
        return copy_to_float32(args)
    saved = args.work / f"{args.peer}-saved"
    shutil.rmtree(saved, ignore_errors=True)
    windows, load = calibration_windows(args), os.getloadavg()[0]
    seconds = {"gptqmodel": run_gptqmodel, "llmcompressor": run_llmcompressor, "auto_round": run_auto_round}[args.peer](args, windows, saved)
    versions = {name: importlib.metadata.version(name) for name in (args.peer, "torch", "transformers")}
    result = dict(tool=f"{PEERS[args.peer]} {versions[args.peer]}", settings=settings(args), seconds=seconds, load_before=load,
                  quantized_tensors=dequantize(args, saved, args.work / f"{args.peer}-dequantized"), versions=versions)
    (args.work / f"{args.peer}.json").write_text(json.dumps(result, indent=2) + "\n")


def start_peer(args, peer, interpreter):
    """Runs this script as the peer, with its interpreter; its output goes to DIR/PEER.log."""
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GPTQMODEL_CPU_WORKERS")
    environment = dict(os.environ, CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1") | {name: str(args.threads) for name in variables}
    log = args.work / f"{peer}.log"
    print(f"{peer}: running, see {log}", file=sys.stderr)
    with log.open("w") as stream:
        status = subprocess.run([interpreter, __file__, *sys.argv[1:], "--peer", peer], env=environment, stdin=subprocess.DEVNULL,
                                stdout=stream, stderr=subprocess.STDOUT).returncode
    if status:
        sys.exit(f"{peer} failed with status {status}: see {log}")


def halftone(args, *command):
    """Runs a halftone command with --json; returns the object it prints and the wall-clock seconds of the command."""
    start = time.perf_counter()
    done = subprocess.run([args.halftone, *map(str, command), "--json"], stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"halftone {command[0]} failed with status {done.returncode}")
    return json.loads(done.stdout), seconds


def compare(args):
    args.work.mkdir(parents=True, exist_ok=True)
    rows = []  # pairs: what is known of a tool's run, and the model that it made
    for peer in PEERS:
        if not (interpreter := getattr(args, f"{peer}_python")):
            continue
        result = args.work / f"{peer}.json"
        if not float32_copy(args).exists():
            start_peer(args, "copy", interpreter)
        if not (args.reuse and result.exists() and json.loads(result.read_text())["settings"] == settings(args)):
            result.unlink(missing_ok=True)
            start_peer(args, peer, interpreter)
        rows.append((json.loads(result.read_text()), args.work / f"{peer}-dequantized"))
    for recipe, dtype in [(r, d) for r in args.recipe for d in args.dtype] if not args.skip_halftone else ():
        out, load = args.work / f"halftone-{pathlib.Path(recipe).name}-{dtype}", os.getloadavg()[0]
        shutil.rmtree(out, ignore_errors=True)
        report, seconds = halftone(args, "quantize", args.model, "--recipe", recipe, "--calibration", args.calibration, "--samples",
                                   args.samples, "--length", args.length, "--threads", args.threads, "--dtype", dtype, "--out", out)
        rows.append((dict(tool=f"Halftone {recipe}, {dtype}", seconds=seconds, load_before=load, report=report), out))
    for row, out in rows if not args.skip_halftone else ():
        row["seconds_relative"] = row["seconds"] / rows[-len(args.recipe) * len(args.dtype)][0]["seconds"]
        row["evaluation"] = halftone(args, "eval", out, "--reference", args.model, "--text", args.test, "--windows", "llamacpp",
                                     "--length", args.length, "--chunks", args.chunks)[0]
    whole = dict(settings=settings(args), test=args.test.name, chunks=args.chunks, rows=[row for row, _ in rows])
    table = markdown(args, whole["rows"])
    (args.work / "comparison.json").write_text(json.dumps(whole, indent=2) + "\n")
    (args.work / "comparison.md").write_text(table)
    print(table, end="")


def markdown(args, rows):
    lines = ["| tool | bits | seconds | relative | KL | perplexity | same top |", "|---" * 7 + "|"]
    for row in rows:
        cells = [row["tool"], f"{args.bits}", f"{row['seconds']:.1f}", *["-"] * 4]
        if e := row.get("evaluation"):
            cells[3:] = [f"{row['seconds_relative']:.2f}", f"{e['kl']:.4f} +/- {e['kl_stderr']:.4f}",
                         f"{e['perplexity']:.3f} +/- {e['perplexity_stderr']:.3f}", f"{e['same_top']:.1%} +/- {e['same_top_stderr']:.1%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    arguments = parse_arguments()
    run_peer(arguments) if arguments.peer else compare(arguments)
