"""Exports the fixtures of model families as GGUF, lets llama.cpp measure their perplexity, and compares it with Halftone's.

    python tools/check_gguf_families.py LLAMA_CPP/build/bin WORK [--halftone ./halftone] [FIXTURE_DIRECTORY ...]

A fixture is a Hugging Face directory with a vocabulary of at least 28 tokens; it gets a tokenizer of single characters. Its float32
export is measured by llama-perplexity and the directory by `halftone eval --windows llamacpp`, on the same random words. Gemma's
scale of the scores is set to what llama.cpp takes, and StarCoder2's window is left out. Prints a line per fixture; exit code 1 if two
perplexities differ by more than 1 in 1000. What Halftone refuses is printed with its reason. Needs nothing but Python.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

CONTEXT = 32


def tokenizer(size):
    characters = ["\u0120", *"abcdefghijklmnopqrstuvwxyz", "\u010a", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"]
    vocabulary = {c: i for i, c in enumerate(characters[:size])}
    for i in range(len(vocabulary), size):
        vocabulary[f"<{i}>"] = i
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": level,
            "post_processor": None, "decoder": level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, "vocab": vocabulary, "merges": []}}


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def prepared(fixture, work):
    directory = work / fixture.name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(fixture / name, directory / name)
    config = json.loads((fixture / "config.json").read_text())
    text = config.get("text_config", config)
    if "query_pre_attn_scalar" in text:  # llama.cpp derives it from the heads
        text["query_pre_attn_scalar"] = text["head_dim"]
    if text.get("model_type") == "starcoder2":  # which has no window there
        text["sliding_window"] = None
    (directory / "config.json").write_text(json.dumps(config))
    size = text.get("vocab_size", text.get("padded_vocab_size"))
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer(size)))
    (directory / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": False}))
    return directory


def halftone_perplexity(halftone, model, text):
    found = run(halftone, "eval", model, "--text", text, "--windows", "llamacpp", "--length", CONTEXT, "--json")
    return json.loads(found.stdout)["perplexity"] if found.returncode == 0 else found.stderr.strip()


def llama_perplexity(binaries, file, text):
    for _ in range(20):  # the last lines are lost now and then: the process ends before the thread that writes the log
        found = run(binaries / "llama-perplexity", "-m", file, "-f", text, "-c", CONTEXT, "-b", CONTEXT, "--no-repack",
                    "-fa", "off", "-t", 1)
        if match := re.search(r"Final estimate: PPL = ([0-9.]+)", found.stdout + found.stderr):
            return float(match.group(1))
        if found.returncode != 0:
            break
    return f"exit code {found.returncode}: " + (found.stdout + found.stderr).strip()[-600:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("fixtures", type=Path, nargs="+")
    parser.add_argument("--halftone", default=str(Path(__file__).parent.parent / "halftone"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    draw = random.Random(1)
    text = args.work / "text.txt"
    text.write_text(" ".join("".join(draw.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(draw.randint(1, 7))) for _ in range(120)))
    failed = False
    for fixture in args.fixtures:
        directory = prepared(fixture, args.work)
        file = args.work / f"{fixture.name}.gguf"
        written = run(args.halftone, "export", directory, "--format", "gguf:F32", "--out", file, "--force")
        if written.returncode != 0:
            print(f"{fixture.name}: refused: {written.stderr.strip().splitlines()[-1]}", flush=True)
            continue
        own, other = halftone_perplexity(args.halftone, directory, text), llama_perplexity(args.binaries, file, text)
        equal = isinstance(own, float) and isinstance(other, float) and abs(own / other - 1) < 1e-3
        failed |= not equal
        print(f"{fixture.name}: Halftone {own}, llama.cpp {other}{'' if equal else ': DIFFERENT'}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
