"""Quality of GGUF files of one size: llama-quantize without and with an imatrix, and Halftone, judged by llama-perplexity.

    python tools/gguf_table.py LLAMA_CPP_BIN MODEL.gguf WORK --calibration TEXT --text TEXT [--text TEXT ...] [--types Q4_0 ...]

Makes in WORK: a float32 copy of MODEL, its logits on the texts (windows of 512, second half scored), an imatrix of the first windows of
the calibration text, and for each type three files. Weights are used as they are stored (--no-repack). Prints a Markdown table of bytes and of the KL divergence from the float32 copy on
each text, and for Halftone the ratio to llama-quantize's with imatrix. What is in WORK already is not made again.
"""

import argparse
import re
import subprocess
from pathlib import Path

TYPES = ["Q2_K", "Q3_K_M", "Q4_0", "Q4_K_M", "IQ4_NL"]


def run(command, log):
    with open(log, "w") as out:
        subprocess.run([str(part) for part in command], check=True, stdout=out, stderr=subprocess.STDOUT)


def made(path, command):
    if not path.exists():
        run(command, path.with_suffix(".log"))
    return path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--calibration", type=Path, required=True)
    parser.add_argument("--text", type=Path, action="append", required=True)
    parser.add_argument("--types", nargs="*", default=TYPES)
    parser.add_argument("--samples", default="64", help="calibration windows of 512, for both")
    parser.add_argument("--chunks", default="40", help="windows of each text")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--dtype", default="bf16", help="of Halftone's calibration pass")
    parser.add_argument("--halftone", default=str(Path(__file__).parent.parent / "halftone"))
    args = parser.parse_args()
    work = args.work
    work.mkdir(parents=True, exist_ok=True)
    threads = ["-t", args.threads]

    f32 = made(work / "f32.gguf", [args.bin / "llama-quantize", "--allow-requantize", args.model, work / "f32.gguf", "F32"])
    imatrix = made(
        work / "imatrix.gguf",
        [args.bin / "llama-imatrix", "-m", f32, "-f", args.calibration, "-o", work / "imatrix.gguf"]
        + ["--chunks", args.samples, "-c", "512"]
        + threads,
    )

    def perplexity(model, text, more):
        return [args.bin / "llama-perplexity", "-m", model, "-f", text, "-c", "512", "--chunks", args.chunks, "--no-repack"] + threads + more

    for text in args.text:
        base = work / f"{text.stem}.logits"
        made(base, perplexity(f32, text, ["--kl-divergence-base", base]))

    def divergence(model, text):
        log = work / f"{model.stem}-{text.stem}.kl"
        if not log.exists():
            run(perplexity(model, text, ["--kl-divergence", "--kl-divergence-base", work / f"{text.stem}.logits"]), log)
        return float(re.search(r"Mean +KLD: +([0-9.]+)", log.read_text()).group(1))

    names = [text.stem for text in args.text]
    print("| type | file | bytes | " + " | ".join(f"KL {name}" for name in names) + " | ratio |")
    print("|---|---|---|" + "---|" * (len(names) + 1))
    for kind in args.types:
        plain, weighted, packed = work / f"plain-{kind}.gguf", work / f"imatrix-{kind}.gguf", work / f"packed-{kind}"
        made(plain, [args.bin / "llama-quantize", f32, plain, kind])
        made(weighted, [args.bin / "llama-quantize", "--imatrix", imatrix, f32, weighted, kind])
        quantize = [args.halftone, "quantize", args.model, "--recipe", f"gguf-{kind.lower()}", "--calibration", args.calibration]
        quantize += ["--samples", args.samples, "--length", "512", "--dtype", args.dtype, "--threads", args.threads]
        if not packed.exists():
            run(quantize + ["--out", packed], work / f"packed-{kind}.log")
        ours = work / f"halftone-{kind}.gguf"
        made(ours, [args.halftone, "export", packed, "--format", f"gguf:{kind}", "--out", ours])
        peer = None
        for title, file in (("llama-quantize", plain), ("with imatrix", weighted), ("Halftone", ours)):
            kls = [divergence(file, text) for text in args.text]
            ratio = " / ".join(f"{kl / other:.2f}" for kl, other in zip(kls, peer)) if title == "Halftone" else ""
            peer = kls
            cells = " | ".join(f"{kl:.4f}" for kl in kls)
            print(f"| {kind} | {title} | {file.stat().st_size:,} | {cells} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
