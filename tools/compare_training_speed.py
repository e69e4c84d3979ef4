#!/usr/bin/env python3
"""Compares the speed of training with transformers on torch: same shape, batch, optimizer, threads and type.

    compare_training_speed.py --config zoo/llama-nano.yaml --data DATA --halftone ./halftone [--steps 16] [--rounds 2]

Needs torch and transformers in its interpreter. Both make --steps steps of the file's batch after --warm steps that do not count: Halftone is
run with --warm steps and with --warm + --steps, and the times of the steps, as it reports them, are subtracted. Of the other's micro-batch
sizes the best counts. Ids are random on their side, which does not change the amount of work. Rounds alternate; medians are compared.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import tempfile
import time


def number(text, key, default):
    found = re.search(rf"^\s*{key}:\s*([^\s#]+)", text, re.M)
    return float(found.group(1)) if found else default


def reference(text, dtype, threads, warm, steps, micro):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM, OPTConfig, OPTForCausalLM
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    get = lambda key, default=0: int(number(text, key, default))
    if "family: opt" in text:
        config = OPTConfig(vocab_size=get("vocabulary"), hidden_size=get("hidden"), num_hidden_layers=get("layers"), ffn_dim=get("intermediate"),
                           num_attention_heads=get("heads"), max_position_embeddings=get("context"), word_embed_proj_dim=get("hidden"), dropout=0.0)
        model = OPTForCausalLM(config)
    else:
        config = LlamaConfig(vocab_size=get("vocabulary"), hidden_size=get("hidden"), num_hidden_layers=get("layers"),
                             intermediate_size=get("intermediate"), num_attention_heads=get("heads"), num_key_value_heads=get("kv_heads"),
                             max_position_embeddings=get("context"), tie_word_embeddings=True)
        model = LlamaForCausalLM(config)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    batch, length = get("batch"), get("sequence")
    ids = torch.randint(get("vocabulary"), (warm + steps, batch, length))
    start = 0.0
    for step in range(warm + steps):
        if step == warm:
            start = time.perf_counter()
        for at in range(0, batch, micro):
            rows = ids[step, at:at + micro]
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16"):
                loss = model(rows, labels=rows, use_cache=False).loss * (micro / batch)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return steps * batch * length / (time.perf_counter() - start)


def ours(a, text, dtype):
    tokens = int(number(text, "batch", 0)) * int(number(text, "sequence", 0))
    some, all_of_them = seconds(a, text, dtype, a.warm), seconds(a, text, dtype, a.warm + a.steps)
    return a.steps * tokens / (all_of_them - some)


def seconds(a, text, dtype, steps):
    tokens = int(number(text, "batch", 0)) * int(number(text, "sequence", 0))
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "config.yaml"
        text = re.sub(r"steps: \d+", f"steps: {steps}", text)
        text = re.sub(r"validation_windows: \d+", "validation_windows: 4", text)
        text = re.sub(r"dtype: \w+", f"dtype: {dtype}", text)
        config.write_text(text)
        command = [a.halftone, "train", str(config), "--data", a.data, "--out", folder + "/out", "--threads", str(a.threads), "--json"]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return steps * tokens / json.loads(run.stdout)["tokens_per_second"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--halftone", default="./halftone")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm", type=int, default=4)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--micro", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--types", nargs="+", default=["float32", "bf16"])
    a = parser.parse_args()
    text = open(a.config, encoding="utf-8").read()
    for dtype in a.types:
        own, other = [], {micro: [] for micro in a.micro}
        for _ in range(a.rounds):
            own.append(ours(a, text, dtype))
            for micro in a.micro:
                other[micro].append(reference(text, dtype, a.threads, a.warm, a.steps, micro))
        best = max(other, key=lambda micro: statistics.median(other[micro]))
        mine, theirs = statistics.median(own), statistics.median(other[best])
        print(f"{dtype}: halftone {mine:.0f} tokens/s, transformers {theirs:.0f} tokens/s (micro-batch {best}), ratio {mine / theirs:.2f}",
              flush=True)


if __name__ == "__main__":
    main()
