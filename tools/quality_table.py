#!/usr/bin/env python3
"""Quantizes a model by several recipes, evaluates each packed result, and prints a Markdown table (standard library only).

    quality_table.py --model MODEL --calibration CAL.txt --test TEST.txt [TEST2.txt] --work DIR --recipes rtn-w3g64 gptq-w3g64

Finished recipes are kept in DIR and not run again. Windows of 512 tokens as llama-perplexity takes them, the first --chunks of each text.
"""
import argparse
import json
import pathlib
import subprocess


def halftone(command, *arguments):
    result = subprocess.run([command, *map(str, arguments), "--json"], stdout=subprocess.PIPE, check=True)
    return json.loads(result.stdout)


def cached(file, make):
    if not file.exists():
        file.write_text(json.dumps(make()))
    return json.loads(file.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, type=pathlib.Path)
    parser.add_argument("--calibration", required=True, type=pathlib.Path)
    parser.add_argument("--test", required=True, nargs="+", type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--recipes", required=True, nargs="+")
    parser.add_argument("--halftone", default="./halftone")
    parser.add_argument("--samples", type=int, default=128, help="calibration windows")
    parser.add_argument("--dtype", default="float32", help="type in which calibration passes compute")
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    a.work.mkdir(parents=True, exist_ok=True)
    quantized = {}
    for recipe in a.recipes:
        options = [] if recipe.startswith("rtn") else ["--calibration", a.calibration, "--samples", a.samples]
        quantized[recipe] = cached(a.work / f"{recipe}.json", lambda: halftone(
            a.halftone, "quantize", a.model, "--recipe", recipe, *options, "--out", a.work / recipe, "--threads", a.threads,
            "--dtype", a.dtype))
    names = [test.stem for test in a.test]
    print("| recipe | bits per weight | seconds | peak memory | " + " | ".join(
        f"{n}: perplexity | {n}: KL | {n}: same top" for n in names) + " |")
    print("|---" * (4 + 3 * len(names)) + "|")
    for recipe, q in quantized.items():
        row = [recipe, f"{q['bits_per_weight']:.3f}", f"{q['seconds']:.0f}", f"{q['peak_memory_bytes'] / 1e9:.1f} GB"]
        for test in a.test:
            e = cached(a.work / f"{recipe}-{test.stem}.json", lambda: halftone(
                a.halftone, "eval", a.work / recipe, "--reference", a.model, "--text", test, "--windows", "llamacpp", "--length", 512,
                "--chunks", a.chunks, "--threads", a.threads))
            row += [f"{e['perplexity']:.2f} +/- {e['perplexity_stderr']:.2f}", f"{e['kl']:.4f} +/- {e['kl_stderr']:.4f}",
                    f"{100 * e['same_top']:.1f} %"]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
