#!/usr/bin/env python3
"""Kills `halftone quantize` with signal 9 at random moments, resumes it, and compares the output with an undisturbed run's, byte for byte.

    kill_resume.py --model MODEL --recipe gptq-w3g64 --calibration TEXT --samples 16 --length 128 --work DIR --kills 10 --seed 1

Also compares one thread with two, and activations in memory with activations on disk. DIR must not exist and is removed if all are equal.
Each moment is drawn evenly from the time that is left of an undisturbed run, so that kills fall into the start, blocks and the end.
Standard library only; exits with 1 where bytes differ.
"""
import argparse
import hashlib
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time


def command(args, out, *more):
    line = [args.halftone, "quantize", args.model, "--recipe", args.recipe, "--out", out, "--samples", args.samples, "--length", args.length]
    if args.calibration:
        line += ["--calibration", args.calibration]
    return [str(part) for part in [*line, *more]]


def run(line, log):
    start = time.monotonic()
    subprocess.run(line, stdout=log, stderr=log, check=True)
    return time.monotonic() - start


def kill_after(line, seconds, log):
    """True if the command was killed, False if it had finished by then."""
    # The launcher's exec makes the Java process this child itself.
    process = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return process.wait() == -signal.SIGKILL
    if code != 0:
        sys.exit(f"{' '.join(line)} ended with {code}; see {log.name}")
    return False


def contents(directory):
    return {str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(directory.rglob("*")) if file.is_file()}


def blocks(out):
    manifest = out.parent / f".{out.name}.halftone" / "manifest.json"
    return json.loads(manifest.read_text())["blocks"] if manifest.exists() else 0


def disturb(args, out, seconds, log):
    """Kills and resumes until the run is done."""
    generator = random.Random(args.seed)
    kills = 0
    left = seconds
    while kills < args.kills:
        # The start costs the same after every kill: a second for it, and a share of what is left.
        moment = generator.uniform(0.1, 1 + 2 * left / (args.kills - kills))
        before = blocks(out)
        if not kill_after(command(args, out, "--resume"), moment, log):
            print(f"  finished before kill {kills + 1}: begins anew", flush=True)
            shutil.rmtree(out)
            left = seconds
            continue
        kills += 1
        after = blocks(out)
        left = max(0.0, left - moment * (after > before))
        print(f"  kill {kills} after {moment:.2f} s, in block {after}", flush=True)
    run(command(args, out, "--resume"), log)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--calibration")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--halftone", default="./halftone")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.work.mkdir(parents=True)
    print(f"seed {args.seed}, recipe {args.recipe}, {args.samples} sequences of {args.length} tokens")
    with open(args.work / "log.txt", "wb") as log:
        whole = args.work / "out"
        seconds = run(command(args, whole), log)
        print(f"undisturbed: {seconds:.1f} s", flush=True)
        expected = contents(whole)
        shutil.rmtree(whole)
        # The same name each time: it must not matter, but nothing else should differ.
        trials = {
            "killed and resumed": lambda out: disturb(args, out, seconds, log),
            "resumed when finished": lambda out: run(command(args, out, "--resume"), log),
            "one thread": lambda out: run(command(args, out, "--threads", 1), log),
            "two threads": lambda out: run(command(args, out, "--threads", 2), log),
            "activations in memory": lambda out: run(command(args, out, "--activations", "memory"), log),
            "activations on disk": lambda out: run(command(args, out, "--activations", "disk"), log),
        }
        failed = False
        for name, trial in trials.items():
            if name != "resumed when finished":
                shutil.rmtree(whole, ignore_errors=True)
            trial(whole)
            found = contents(whole)
            differing = sorted(file for file in expected.keys() | found.keys() if expected.get(file) != found.get(file))
            failed |= bool(differing)
            print(f"{name}: {'differs in ' + ', '.join(differing) if differing else 'same bytes'}", flush=True)
    if failed:
        sys.exit(1)
    shutil.rmtree(args.work)


if __name__ == "__main__":
    main()
