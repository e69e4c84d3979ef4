#!/usr/bin/env python3
"""Compares the speed of a perplexity evaluation with that of transformers on torch: same model, windows, threads and type.

    compare_eval_speed.py --model HF_DIR --text TEXT --halftone ./halftone [--windows 24] [--rounds 3]

Needs torch and transformers in its interpreter. Both read windows of --length tokens without overlap and score every token but a window's
first. Two ratios: of the loops over the windows, without opening model, libraries and text (of transformers' batch sizes the best; it has
run one window before); and of whole processes from start to exit, each with all of that. The rounds alternate; medians are compared.
"""
import argparse
import json
import math
import statistics
import subprocess
import sys
import time


def theirs(model, ids, a, batch):
    import torch
    start, total, count = time.perf_counter(), 0.0, 0
    with torch.inference_mode():
        for at in range(0, len(ids), batch):
            rows = ids[at:at + batch]
            logits = model(rows, use_cache=False).logits[:, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1), reduction="sum")
            total, count = total + loss.item(), count + rows[:, 1:].numel()
    return ids.numel() / (time.perf_counter() - start), math.exp(total / count)


def ours(a, dtype):
    command = [a.halftone, "eval", a.model, "--text", a.text, "--windows", "gptq", "--length", str(a.length), "--chunks", str(a.windows),
               "--bos", "no", "--threads", str(a.threads), "--dtype", dtype, "--json"]
    start = time.perf_counter()
    document = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    return document["tokens_per_second"], document["perplexity"], time.perf_counter() - start


def loaded(a, dtype):
    import torch
    import transformers
    torch.set_num_threads(a.threads)
    text = open(a.text, encoding="utf-8").read()
    flat = transformers.AutoTokenizer.from_pretrained(a.model)(text, add_special_tokens=False)["input_ids"][:a.windows * a.length]
    ids = torch.tensor(flat).reshape(a.windows, a.length)
    kind = torch.float32 if dtype == "float32" else torch.bfloat16
    return transformers.AutoModelForCausalLM.from_pretrained(a.model, dtype=kind).eval(), ids


def process(a, dtype, batch):
    """Seconds of a Python process that does the same from nothing."""
    start = time.perf_counter()
    subprocess.run([sys.executable, __file__, "--model", a.model, "--text", a.text, "--windows", str(a.windows), "--length", str(a.length),
                    "--threads", str(a.threads), "--batches", str(batch), "--alone", dtype],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--halftone", default="./halftone")
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.alone:
        print(theirs(*loaded(a, a.alone), a, a.batches[0]))
        return
    import torch
    import transformers
    print(f"torch {torch.__version__}, transformers {transformers.__version__}, {a.windows} windows of {a.length}, {a.threads} threads")
    for dtype in ("float32", "bf16"):
        model, ids = loaded(a, dtype)
        theirs(model, ids[:1], a, 1)
        own, other = [], {batch: [] for batch in a.batches}
        for _ in range(a.rounds):
            own.append(ours(a, dtype))
            for batch in a.batches:
                other[batch].append(theirs(model, ids, a, batch))
        batch = max(other, key=lambda b: statistics.median(run[0] for run in other[b]))
        mine, reference = (statistics.median(run[0] for run in runs) for runs in (own, other[batch]))
        del model
        whole, python = statistics.median(run[2] for run in own), statistics.median(process(a, dtype, batch) for _ in range(a.rounds))
        print(f"{dtype}: halftone {mine:.0f} tokens/s, transformers {reference:.0f} tokens/s (batch {batch}), ratio {mine / reference:.2f}; "
              f"processes {whole:.1f} s and {python:.1f} s, ratio {python / whole:.2f}; "
              f"perplexity {own[0][1]:.4f} and {other[batch][0][1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
