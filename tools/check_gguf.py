"""Opens files of `halftone export gguf:TYPE` with the Python package gguf and compares what it decodes with what Halftone decodes.

    python tools/check_gguf.py MODEL WORK [--halftone ./halftone] [TYPE ...]

MODEL is anything that Halftone opens. For each type: an export of MODEL, and a float32 export of that file, which is Halftone's own
decoding; every tensor of the first, decoded by gguf, must have the bits of the second. Prints a line per type; exit code 1 if one differs.
Needs the package gguf.
"""

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize

TYPES = (
    "F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K IQ4_NL TQ1_0 TQ2_0 MXFP4"
).split()


def export(halftone, model, kind, path):
    command = [halftone, "export", model, "--format", f"gguf:{kind}", "--out", path, "--force"]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("work", type=Path)
    parser.add_argument("types", nargs="*")
    parser.add_argument("--halftone", default=str(Path(__file__).parent.parent / "halftone"))
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    failed = False
    for kind in args.types or TYPES:
        file, floats = args.work / "export.gguf", args.work / "floats.gguf"
        export(args.halftone, args.model, kind, file)
        export(args.halftone, file, "F32", floats)
        expected = {tensor.name: tensor.data for tensor in GGUFReader(floats).tensors}
        kinds = Counter()
        different = []
        for tensor in GGUFReader(file).tensors:
            kinds[tensor.tensor_type.name] += 1
            found = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
            if not np.array_equal(found.view(np.int32).ravel(), expected[tensor.name].view(np.int32).ravel()):
                different.append(f"{tensor.name} by {np.abs(found.ravel() - expected[tensor.name].ravel()).max():.1e}")
        failed |= bool(different) or sum(kinds.values()) != len(expected)
        what = ", ".join(f"{count} {name}" for name, count in sorted(kinds.items()))
        print(f"{kind}: {what}: {'equal' if not different else different[:3]}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
