#!/usr/bin/env python3
"""Compares Halftone's GPTQ with the authors' gptq.py on one layer: the same W and H, group, grid rule, order and damping.

    git clone https://github.com/IST-DASLab/gptq DIR
    compare_gptq_reference.py --gptq DIR --work SCRATCH --sizes 2048 4096 --bits 4 3 --threads 2

Needs torch, transformers (which gptq.py imports) and safetensors; gptq.py runs as it is, on the CPU. W and H are seeded: the weights have
normal rows of different sizes, the inputs a decaying spectrum and a few large channels. Both sides get H in float32, fit asymmetric min-max grids with float32
scales to groups of 128 inputs, and add 0.01 of mean(diag H). The loss tr((W - Q) H (W - Q)^T) of both is computed here, in float64.
Seconds: of gptq.py its fasterquant; of Halftone its solver with packing, and beside it what the comparison with rounding to nearest
takes, which `quantize` makes after every weight and gptq.py does not. The first round of both is cold (a new process); the table gives
it and the median of the second half of the rounds, when a JVM has compiled what it runs (a model has hundreds of weights).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

GROUP = 128
VARIANTS = {  # name: options of fasterquant, keys of the recipe
    "own order": (dict(actorder=False, static_groups=False), "actorder: false, static_groups: false"),
    "act-order": (dict(actorder=True, static_groups=False), "actorder: true, static_groups: false"),
    "act-order, static groups": (dict(actorder=True, static_groups=True), "actorder: true, static_groups: true"),
}


def make_layer(file, size, seed):
    """W (size, size) and H (size, size) as safetensors."""
    import torch
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    tokens = 4 * size
    spectrum = (1 + torch.arange(size)) ** -0.5
    mixing = torch.linalg.qr(torch.randn(size, size, generator=generator)).Q
    x = torch.randn(tokens, size, generator=generator) * spectrum @ mixing
    channels = torch.exp(0.5 * torch.randn(size, generator=generator))
    channels[torch.randperm(size, generator=generator)[:8]] *= 20
    x *= channels
    weight = 0.02 * torch.randn(size, size, generator=generator) * torch.exp(0.3 * torch.randn(size, 1, generator=generator))
    save_file({"weight": weight, "hessian": (x.T @ x / tokens).contiguous()}, file)


def reference(args):
    """The part of gptq.py, in its own process: one line of JSON for each variant, bits and round."""
    sys.path.insert(0, str(args.gptq))
    import torch
    from gptq import GPTQ
    from quant import Quantizer
    from safetensors.torch import load_file

    torch.set_num_threads(args.threads)
    torch.cuda.synchronize = lambda: None  # gptq.py waits for a GPU
    layer = load_file(args.layer)
    weight, hessian = layer["weight"].double(), layer["hessian"].double()
    linear = torch.nn.Linear(*reversed(weight.shape), bias=False)
    options = VARIANTS[args.variant][0]
    seconds = []
    with torch.no_grad():
        for _ in range(args.rounds):
            linear.weight.data = layer["weight"].clone()
            solver = GPTQ(linear)
            solver.H = layer["hessian"].clone()
            solver.quantizer = Quantizer()
            solver.quantizer.configure(args.bits[0], perchannel=True, sym=False)
            start = time.perf_counter()
            solver.fasterquant(blocksize=128, percdamp=0.01, groupsize=GROUP, **options)
            seconds.append(time.perf_counter() - start)
        losses = [proxy_loss(weight, linear.weight.data.double(), hessian)]
        losses.append(proxy_loss(weight, load_file(args.solved)["weight"].double(), hessian))
    print(json.dumps(dict(seconds=seconds, losses=losses)))


def proxy_loss(weight, rounded, hessian):
    difference = weight - rounded
    return ((difference @ hessian) * difference).sum().item()


def halftone(args, layer, bits, variant):
    """Seconds of each round, and of the comparison; the rounded weight goes to args.solved."""
    recipe = args.work / "recipe.yaml"
    recipe.write_text("steps:\n  - weights: {method: gptq, format: int%d, group: %d, scale: fp32, search: minmax, damping: 0.01, %s}\n"
                      % (bits, GROUP, VARIANTS[variant][1]))
    root = args.halftone
    home = subprocess.run(["sh", root / "tools/find-jdk.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    path = f"{root}/halftone-app/target/halftone/lib/*:{root}/examples/target/classes"
    command = [f"{home}/bin/java", "--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-XX:+UseParallelGC", "-XX:MaxNewSize=256m",
               "-cp", path, "dev.halftone.examples.SolveOneLayer", layer, recipe, args.solved, str(args.threads), str(args.rounds)]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    seconds = [float(line.split()[1]) for line in output.splitlines() if line.startswith("seconds ")]
    return seconds, next(float(line.split()[1]) for line in output.splitlines() if line.startswith("evidence "))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gptq", required=True, type=pathlib.Path, help="directory with the authors' gptq.py and quant.py")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="scratch directory")
    parser.add_argument("--halftone", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent, help="built checkout")
    parser.add_argument("--sizes", nargs="+", type=int, default=[2048, 4096])
    parser.add_argument("--bits", nargs="+", type=int, default=[4, 3])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--variant", help=argparse.SUPPRESS)  # the part that runs gptq.py
    parser.add_argument("--layer", help=argparse.SUPPRESS)
    args = parser.parse_args()
    args.solved = args.work / "solved.safetensors"
    if args.variant:
        return reference(args)
    args.work.mkdir(parents=True, exist_ok=True)
    print("| size | bits | variant | gptq.py loss | Halftone's, relative | gptq.py s, first / then | Halftone s, first / then | ratio | comparison s |")
    print("|---" * 9 + "|")
    for size in args.sizes:
        layer = args.work / f"layer-{size}-{args.seed}.safetensors"
        if not layer.exists():
            make_layer(layer, size, args.seed)
        for bits in args.bits:
            for variant in args.variants:
                ours, evidence = halftone(args, layer, bits, variant)
                command = [sys.executable, __file__, "--gptq", args.gptq, "--work", args.work, "--bits", str(bits), "--threads",
                           str(args.threads), "--rounds", str(args.rounds), "--variant", variant, "--layer", layer]
                result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
                theirs = json.loads(result.splitlines()[-1])
                first, then = zip(*((times[0], statistics.median(times[len(times) // 2:])) for times in (theirs["seconds"], ours)))
                loss, own = theirs["losses"]
                print(f"| {size} | {bits} | {variant} | {loss:.6g} | {100 * (own / loss - 1):+.3f} % | {first[0]:.2f} / {then[0]:.2f} | "
                      f"{first[1]:.2f} / {then[1]:.2f} | {first[1] / first[0]:.2f} / {then[1] / then[0]:.2f} | {evidence:.2f} |", flush=True)


if __name__ == "__main__":
    main()
