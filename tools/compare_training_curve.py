#!/usr/bin/env python3
"""Trains the same model on the same windows in the same order with Halftone and with transformers on torch, and compares the losses.

    compare_training_curve.py --data DATA --halftone ./halftone --work DIR [--family llama] [--steps 100] [--types float32 bf16]

DATA: as tools/fetch_corpus.py and `halftone tokenizer train` make it. Halftone writes its first weights (one step at a rate of 1e-30), torch
starts from those. The order of the windows is Halftone's (SplittableRandom, repeated here), the rates are those of its log. AdamW, warm-up and
cosine, clipping, weight decay of matrices. Prints the losses at some steps and the largest difference. Needs torch, transformers, tokenizers.
"""
import argparse
import json
import pathlib
import subprocess

MASK = (1 << 64) - 1
CONFIG = """model: {{family: {family}, hidden: 128, layers: 4, heads: 4, intermediate: 512, vocabulary: 4096, context: 256, tied: true}}
data:
  tokenizer: tokenizer
  sources: {{web-bible: {{train: web-bible.train.txt, validation: web-bible.validation.txt}}}}
  sequence: 256
  bos: true
schedule: {{kind: cosine, rate: {rate}, warmup: 0.1, final: 0.1, clip: 1.0}}
optimizer: {{method: adamw, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1}}
run: {{steps: {steps}, batch: 8, micro_batch: 4, validate_every: {steps}, validation_windows: 1, seed: 1, dtype: {dtype}, stored: float32}}
"""


class SplittableRandom:
    """Java's, as far as it is needed."""

    def __init__(self, seed):
        self.seed = seed & MASK

    def next_int(self):
        self.seed = (self.seed + 0x9E3779B97F4A7C15) & MASK
        z = self.seed
        z = ((z ^ (z >> 33)) * 0x62A9D9ED799705F5) & MASK
        return (((z ^ (z >> 28)) * 0xCB24D0A5C88C35B3) & MASK) >> 32

    def below(self, bound):
        r = self.next_int()
        if bound & (bound - 1) == 0:
            return r & (bound - 1)
        u = r >> 1
        while u + (bound - 1) - u % bound >= 1 << 31:
            u = self.next_int() >> 1
        return u % bound


def order(windows, seed, epoch):
    random, shuffled = SplittableRandom(seed * 0x9E3779B97F4A7C15 + epoch), [0] * windows
    for i in range(windows):
        other = random.below(i + 1)
        shuffled[i] = shuffled[other]
        shuffled[other] = i
    return shuffled


def halftone(a, dtype, steps, rate, name):
    folder = pathlib.Path(a.work)
    config = folder / (name + ".yaml")
    config.write_text(CONFIG.format(family=a.family, steps=steps, rate=rate, dtype=dtype))
    subprocess.run([a.halftone, "train", str(config), "--data", a.data, "--out", str(folder / name), "--threads", str(a.threads)], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in (folder / f".{name}.training" / "log.jsonl").read_text().splitlines()]
    return folder / name, [line for line in lines if "loss" in line]


def reference(a, dtype, start, rates):
    import tokenizers
    import torch
    import transformers
    torch.set_num_threads(a.threads)
    tokenizer = tokenizers.Tokenizer.from_file(str(pathlib.Path(a.data) / "tokenizer" / "tokenizer.json"))
    text = (pathlib.Path(a.data) / "web-bible.train.txt").read_text(encoding="utf-8")
    ids = torch.tensor(tokenizer.encode(text, add_special_tokens=False).ids)
    model = transformers.AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32, attn_implementation="sdpa").train()
    bos = model.config.bos_token_id
    matrices = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    optimizer = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}], betas=(0.9, 0.95), eps=1e-8)
    shuffled, losses = order(len(ids) // 256, 1, 0), []
    for step, rate in enumerate(rates):
        targets = torch.stack([ids[w * 256:(w + 1) * 256] for w in shuffled[step * 8:step * 8 + 8]])
        inputs = torch.cat([torch.full((8, 1), bos), targets[:, :-1]], 1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bf16"):
            logits = model(inputs, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits.float().reshape(-1, logits.shape[-1]), targets.reshape(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--halftone", default="./halftone")
    parser.add_argument("--family", default="llama", choices=["llama", "opt"])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--types", nargs="+", default=["float32", "bf16"])
    a = parser.parse_args()
    pathlib.Path(a.work).mkdir(parents=True, exist_ok=True)
    for dtype in a.types:
        start, _ = halftone(a, dtype, 1, 1e-30, f"{a.family}-start-{dtype}")
        _, own = halftone(a, dtype, a.steps, 2e-3, f"{a.family}-{dtype}")
        theirs = reference(a, dtype, start, [line["rate"] for line in own])
        mine = [line["loss"] for line in own]
        differences = [abs(x - y) for x, y in zip(mine, theirs)]
        print(f"{a.family} {dtype}: step, Halftone, torch")
        for step in sorted({1, 2, 5, 10, 20, 50, a.steps}):
            if step <= a.steps:
                print(f"  {step:5d} {mine[step - 1]:.5f} {theirs[step - 1]:.5f}")
        tail = max(1, a.steps // 5)
        print(f"  largest difference {max(differences):.5f}; mean of the last {tail} steps {sum(mine[-tail:]) / tail:.5f} and "
              f"{sum(theirs[-tail:]) / tail:.5f}", flush=True)


if __name__ == "__main__":
    main()
