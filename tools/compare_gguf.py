"""Compares GGUF files of `halftone export` with those of llama-quantize, tensor by tensor, and both programs' time.

    python tools/compare_gguf.py LLAMA_CPP_BIN MODEL.gguf WORK [--imatrix FILE] [--threads 2] [--rounds 3] [--types TYPE ...]

MODEL holds floats (llama-quantize --allow-requantize IN OUT F32 makes such a copy of a quantized model). Without an imatrix whole
files are compared; with one, tensors (llama-quantize adds keys that name the imatrix). Times are of whole processes that take turns,
the median of the rounds; the ratio is llama-quantize's time by Halftone's: above 1 Halftone is faster. Needs the package gguf. Prints
a line per type.
"""

import argparse
import statistics
import subprocess
import time
from pathlib import Path

from gguf import GGUFReader

TYPES = "Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ4_NL TQ1_0 TQ2_0 F16 BF16".split()


def seconds(command):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - begin


def tensors(path):
    return [(t.name, t.tensor_type.name, t.data.tobytes()) for t in GGUFReader(path).tensors]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--types", nargs="+", default=TYPES)
    parser.add_argument("--imatrix", type=Path)
    parser.add_argument("--threads", default="2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--halftone", default=str(Path(__file__).parent.parent / "halftone"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    print("type | same | tensors that differ | llama-quantize s | halftone s | ratio")
    for kind in args.types:
        theirs, ours = args.work / f"theirs-{kind}.gguf", args.work / f"ours-{kind}.gguf"
        quantize = [args.bin / "llama-quantize"]
        export = [args.halftone, "export", args.model, "--format", f"gguf:{kind}", "--out", ours, "--force"]
        if args.imatrix:
            quantize += ["--imatrix", args.imatrix]
            export += ["--importance", args.imatrix]
        times = [
            (seconds(quantize + [args.model, theirs, kind, args.threads]), seconds(export + ["--threads", args.threads]))
            for _ in range(args.rounds)
        ]
        peer, own = (statistics.median(column) for column in zip(*times))
        if args.imatrix:
            one, other = tensors(theirs), tensors(ours)
            different = [a[0] for a, b in zip(one, other) if a != b] if len(one) == len(other) else ["number"]
        else:
            different = [] if theirs.read_bytes() == ours.read_bytes() else ["file"]
        print(f"{kind} | {not different} | {different[:3]} | {peer:.2f} | {own:.2f} | {peer / own:.2f}", flush=True)
        theirs.unlink()
        ours.unlink()


if __name__ == "__main__":
    main()
